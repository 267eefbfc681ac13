#include "train/optimizer.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <numbers>

namespace medplib::core {

double learning_rate_at(const Recipe& recipe, std::int64_t step) {
  if (step < recipe.warmup)
    return recipe.learning_rate * static_cast<double>(step + 1) / static_cast<double>(recipe.warmup);
  const double span = std::max<double>(1, static_cast<double>(recipe.steps - recipe.warmup));
  const double done = std::min(1.0, static_cast<double>(step - recipe.warmup) / span);
  const double left =
      recipe.schedule == Schedule::Linear ? 1 - done : 0.5 * (1 + std::cos(std::numbers::pi * done));
  return recipe.learning_rate * (recipe.final_learning_rate + (1 - recipe.final_learning_rate) * left);
}

Optimizer::Optimizer(const Recipe& recipe, NamedTensors parameters)
    : recipe_(recipe), parameters_(std::move(parameters)) {
  for (const auto& [name, value] : parameters_) {
    first_moments_.push_back(at::zeros_like(value));
    second_moments_.push_back(at::zeros_like(value));
    averages_.push_back(value.detach().clone());
    steps_.push_back(at::zeros({}, at::kFloat));
  }
}

double Optimizer::step(std::int64_t step) {
  const c10::NoGradGuard no_grad;
  // What the losses did not reach stands still, as in PyTorch.
  std::vector<at::Tensor> values, gradients, first_moments, second_moments, steps;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& value = parameters_[i].second;
    if (!value.grad().defined()) continue;
    values.push_back(value.detach());
    gradients.push_back(value.grad());
    first_moments.push_back(first_moments_[i]);
    second_moments.push_back(second_moments_[i]);
    steps.push_back(steps_[i]);
  }
  const double norm = gradient_norm();
  if (!std::isfinite(norm)) return norm;
  const double shrink = std::min(1.0, recipe_.clip_norm / (norm + 1e-6));
  if (shrink < 1) at::_foreach_mul_(gradients, shrink);
  if (!values.empty()) {
    at::_foreach_add_(steps, 1);
    at::_fused_adamw_(values, gradients, first_moments, second_moments, {}, steps,
                      learning_rate_at(recipe_, step), recipe_.beta1, recipe_.beta2, recipe_.weight_decay,
                      1e-8,
                      /*amsgrad=*/false, /*maximize=*/false);
  }
  // Early on the average follows closely: it should not remember the random start.
  const double keep =
      std::min(recipe_.average, (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)));
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    averages_[i].lerp_(parameters_[i].second.detach(), 1 - keep);
  clear_gradients();
  return norm;
}

double Optimizer::gradient_norm() const {
  std::vector<at::Tensor> norms{at::zeros({}, at::kFloat)};
  for (const auto& [name, value] : parameters_)
    if (value.grad().defined()) norms.push_back(value.grad().norm());
  return at::stack(norms).norm().item<double>();
}

void Optimizer::clear_gradients() {
  for (auto& [name, value] : parameters_) value.mutable_grad() = at::Tensor();
}

NamedTensors Optimizer::averaged() const {
  NamedTensors result;
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    result.emplace_back(parameters_[i].first, averages_[i]);
  return result;
}

NamedTensors Optimizer::state() const {
  NamedTensors result;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, value] = parameters_[i];
    result.emplace_back("value:" + name, value.detach());
    result.emplace_back("first_moment:" + name, first_moments_[i]);
    result.emplace_back("second_moment:" + name, second_moments_[i]);
    result.emplace_back("average:" + name, averages_[i]);
  }
  if (!steps_.empty()) result.emplace_back("steps", at::stack(steps_));
  return result;
}

void Optimizer::load_state(const std::map<std::string, at::Tensor>& state) {
  const c10::NoGradGuard no_grad;
  for (const auto& [name, value] : this->state()) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != value.sizes())
      fail(ErrorCode::Format, "The checkpoint has no ", name,
           " of this model's shape. It belongs to another training.");
    value.copy_(found->second);
  }
  for (std::size_t i = 0; i < steps_.size(); ++i)
    steps_[i].copy_(state.at("steps")[static_cast<std::int64_t>(i)]);
}

}  // namespace medplib::core
