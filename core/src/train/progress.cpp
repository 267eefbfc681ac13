#include "train/progress.h"

#include <ATen/core/Tensor.h>

namespace medplib::core {

Progress::Progress(std::int64_t first_step, std::int64_t steps)
    : first_(first_step), said_{.step = first_step, .steps = steps} {
  for (const LossRow& row : kLosses) said_.losses.push_back({row.key});
}

const TrainProgress& Progress::after(const Losses& losses, std::size_t samples, double learning_rate) {
  now_ = said_;
  const double keep = said_.step == first_ ? 0.0 : 0.98;
  const auto add = [keep](double& now, double& mean, const at::Tensor& loss) {
    now = loss.item<double>();
    mean = keep * mean + (1 - keep) * now;
  };
  add(now_.loss, said_.loss, losses.total);
  for_each_loss([&](LossKey key, const LossRow&) {
    add(now_.losses[key.row()].value, said_.losses[key.row()].value, losses[key]);
  });
  said_.learning_rate = learning_rate;
  samples_ += static_cast<double>(samples);
  ++said_.step;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  said_.samples_per_second = samples_ / seconds;
  said_.seconds_left =
      seconds / static_cast<double>(said_.step - first_) * static_cast<double>(said_.steps - said_.step);
  now_.step = said_.step;
  now_.learning_rate = said_.learning_rate;
  now_.samples_per_second = said_.samples_per_second;
  return said_;
}

Json json_of(const TrainProgress& said) {
  Json line{{"step", said.step},
            {"loss", said.loss},
            {"learning_rate", said.learning_rate},
            {"samples_per_second", said.samples_per_second}};
  for (const TrainLoss& loss : said.losses) line[loss.name] = loss.value;
  return line;
}

}  // namespace medplib::core
