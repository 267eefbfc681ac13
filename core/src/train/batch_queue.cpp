#include "train/batch_queue.h"

#include <algorithm>

namespace medplib::core {

BatchQueue::BatchQueue(BatchSampler& sampler, std::int64_t first, std::int64_t end, int workers)
    : sampler_(sampler),
      step_(first),
      end_(end),
      ahead_(static_cast<std::size_t>(std::max(workers, 1))),
      launch_(workers > 0 ? std::launch::async : std::launch::deferred) {
  fill();
}

Batch BatchQueue::next() {
  std::future<Batch> first = std::move(under_way_.front());
  under_way_.pop_front();
  Batch batch = first.get();
  fill();
  return batch;
}

void BatchQueue::fill() {
  for (; under_way_.size() < ahead_ && step_ < end_; ++step_)
    under_way_.push_back(std::async(launch_, [this, step = step_] { return sampler_.batch(step); }));
}

}  // namespace medplib::core
