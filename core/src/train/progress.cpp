#include "train/progress.h"

#include <ATen/core/Tensor.h>

namespace medplib::core {

const TrainProgress& Progress::after(const Losses& losses, std::size_t samples, double learning_rate) {
  now_ = said_;
  const double keep = said_.step == first_ ? 0.0 : 0.98;
  const auto take = [&](double TrainProgress::*part, const at::Tensor& loss) {
    now_.*part = loss.item<double>();
    said_.*part = keep * said_.*part + (1 - keep) * now_.*part;
  };
  take(&TrainProgress::loss, losses.total);
  take(&TrainProgress::cross_entropy, losses.cross_entropy);
  take(&TrainProgress::dice, losses.dice);
  take(&TrainProgress::bce, losses.bce);
  take(&TrainProgress::focal, losses.focal);
  take(&TrainProgress::iou, losses.iou);
  take(&TrainProgress::prompted, losses.prompted);
  take(&TrainProgress::router, losses.router);
  take(&TrainProgress::image_label, losses.image_label);
  take(&TrainProgress::structure_label, losses.structure_label);
  take(&TrainProgress::name_link, losses.name_link);
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
