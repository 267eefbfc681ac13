#include "train/progress.h"

#include <ATen/core/Tensor.h>

namespace medplib::core {

const TrainProgress& Progress::after(const Losses& losses, std::size_t samples, double learning_rate) {
  const double keep = said_.step == first_ ? 0.0 : 0.98;
  const auto mean = [&](double& value, const at::Tensor& now) {
    value = keep * value + (1 - keep) * now.item<double>();
  };
  mean(said_.loss, losses.total);
  mean(said_.cross_entropy, losses.cross_entropy);
  mean(said_.dice, losses.dice);
  mean(said_.bce, losses.bce);
  mean(said_.focal, losses.focal);
  mean(said_.iou, losses.iou);
  mean(said_.prompted, losses.prompted);
  mean(said_.router, losses.router);
  mean(said_.image_label, losses.image_label);
  mean(said_.structure_label, losses.structure_label);
  mean(said_.name_link, losses.name_link);
  said_.learning_rate = learning_rate;
  samples_ += static_cast<double>(samples);
  ++said_.step;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  said_.samples_per_second = samples_ / seconds;
  said_.seconds_left =
      seconds / static_cast<double>(said_.step - first_) * static_cast<double>(said_.steps - said_.step);
  return said_;
}

Json json_of(const TrainProgress& said) {
  return {{"step", said.step},
          {"loss", said.loss},
          {"cross_entropy", said.cross_entropy},
          {"dice", said.dice},
          {"bce", said.bce},
          {"focal", said.focal},
          {"iou", said.iou},
          {"prompted", said.prompted},
          {"router", said.router},
          {"image_label", said.image_label},
          {"structure_label", said.structure_label},
          {"name_link", said.name_link},
          {"learning_rate", said.learning_rate},
          {"samples_per_second", said.samples_per_second}};
}

}  // namespace medplib::core
