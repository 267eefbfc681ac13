// Batches of the coming steps, made on other threads while a step is at work.
#pragma once

#include "train/batch.h"

#include <deque>
#include <future>

namespace medplib::core {

class BatchQueue {
 public:
  // Of the steps first … end − 1, up to `workers` of them at once; with 0 each is made when it is taken.
  BatchQueue(BatchSampler& sampler, std::int64_t first, std::int64_t end, int workers);

  // In the order of the steps, whatever the number of workers. Throws what making this one threw.
  Batch next();

 private:
  void fill();

  BatchSampler& sampler_;
  std::int64_t step_, end_;  // step_: the next to be begun
  std::size_t ahead_;
  std::launch launch_;
  std::deque<std::future<Batch>> under_way_;
};

}  // namespace medplib::core
