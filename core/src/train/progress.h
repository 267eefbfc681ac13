// Running means of the losses of a training, and the clock.
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

  // Of the last step alone, without means.
  const TrainProgress& last() const { return last_; }

 private:
  std::int64_t first_;
  TrainProgress means_, last_;
  double samples_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// A line of the log.
Json json_of(const TrainProgress& progress);

}  // namespace medplib::core
