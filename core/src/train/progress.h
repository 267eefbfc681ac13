// Running means of what the steps of a training say, and the clock.
#pragma once

#include "base/json.h"
#include "train/forward.h"

#include <medplib/core/train.h>

#include <chrono>

namespace medplib::core {

class Progress {
 public:
  Progress(std::int64_t first_step, std::int64_t steps);

  const TrainProgress& after(const Losses& losses, std::size_t samples, double learning_rate);

  // Of the last step alone, where said of all are running means.
  const TrainProgress& now() const { return now_; }

 private:
  std::int64_t first_;
  TrainProgress said_, now_;
  double samples_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// A line of the log.
Json json_of(const TrainProgress& said);

}  // namespace medplib::core
