#include "train/losses.h"

#include "nn/moe.h"

#include <ATen/ATen.h>

namespace medplib::core {

at::Tensor bce_loss(const at::Tensor& logits, const at::Tensor& target) {
  return at::binary_cross_entropy_with_logits(logits, target);
}

at::Tensor dice_loss(const at::Tensor& logits, const at::Tensor& target) {
  constexpr double smooth = 1e-6;
  const at::Tensor p = at::sigmoid(logits);
  return 1 - (2 * (p * target).sum() + smooth) / (p.sum() + target.sum() + smooth);
}

at::Tensor router_loss(const std::vector<Routing>& routings) {
  at::Tensor total = at::zeros({});
  for (const auto& routing : routings) {
    const std::int64_t experts = routing.logits.size(-1);
    const at::Tensor probabilities = at::softmax(routing.logits, -1);
    const at::Tensor chosen = at::one_hot(routing.experts.select(1, 0), experts).to(at::kFloat);
    total = total + static_cast<double>(experts) * (probabilities.mean(0) * chosen.mean(0)).sum();
  }
  return total;
}

}  // namespace medplib::core
