#include "train/progress.h"

#include <ATen/core/Tensor.h>

namespace medplib::core {

Progress::Progress(std::int64_t first_step, std::int64_t steps)
    : first_(first_step), means_{.step = first_step, .steps = steps} {
  for (const LossRow& row : kLosses) means_.losses.push_back({row.key});
}

const TrainProgress& Progress::after(const Losses& losses, std::size_t samples, double learning_rate) {
  last_ = means_;
  const double keep = means_.step == first_ ? 0.0 : 0.98;
  const auto add = [keep](double& now, double& mean, const at::Tensor& loss) {
    now = loss.item<double>();
    mean = keep * mean + (1 - keep) * now;
  };
  add(last_.loss, means_.loss, losses.total);
  for_each_loss([&](LossKey key, const LossRow&) {
    add(last_.losses[key.row()].value, means_.losses[key.row()].value, losses[key]);
  });
  means_.learning_rate = learning_rate;
  samples_ += static_cast<double>(samples);
  ++means_.step;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  means_.samples_per_second = samples_ / seconds;
  means_.seconds_left =
      seconds / static_cast<double>(means_.step - first_) * static_cast<double>(means_.steps - means_.step);
  last_.step = means_.step;
  last_.learning_rate = means_.learning_rate;
  last_.samples_per_second = means_.samples_per_second;
  return means_;
}

Json json_of(const TrainProgress& progress) {
  Json line{{"step", progress.step},
            {"loss", progress.loss},
            {"learning_rate", progress.learning_rate},
            {"samples_per_second", progress.samples_per_second}};
  for (const TrainLoss& loss : progress.losses) line[loss.name] = loss.value;
  return line;
}

}  // namespace medplib::core
