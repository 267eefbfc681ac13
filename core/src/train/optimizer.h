// AdamW with clipping, a warm-up, a decay and an average of the weights.
#pragma once

#include "train/recipe.h"
#include "weights/parameters.h"

namespace medplib::core {

// Linear from 0 over `warmup` steps, then down to learning_rate · final_learning_rate behind the last step:
// by half a cosine, or linearly. `step` counts from 0. The published schedule (docs/model.md, Training
// numerics) is the linear one but for its start: its first step is taken at the peak and its second at 0
// before the warm-up begins.
double learning_rate_at(const Recipe& recipe, std::int64_t step);

class Optimizer {
 public:
  // `parameters`: trained in place.
  Optimizer(const Recipe& recipe, NamedTensors parameters);

  // Clips the gradients to clip_norm, steps, averages, and clears the gradients. Gives the norm before
  // clipping; when it is not finite, nothing is done.
  double step(std::int64_t step);

  // Of all of them together; 0 where there is none.
  double gradient_norm() const;
  void clear_gradients();

  // The average, in the order of the parameters.
  NamedTensors averaged() const;

  // Everything a resumed training needs, under names of its own.
  NamedTensors state() const;
  void load_state(const std::map<std::string, at::Tensor>& state);

 private:
  const Recipe& recipe_;
  NamedTensors parameters_;
  std::vector<at::Tensor> first_moments_, second_moments_, averages_;
  std::vector<at::Tensor> steps_;
};

}  // namespace medplib::core
