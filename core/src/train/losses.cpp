#include "train/losses.h"

#include "nn/moe.h"

#include <ATen/ATen.h>

namespace medplib::core {
namespace {

constexpr double kSmooth = 1e-6;

}  // namespace

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels) {
  return at::cross_entropy_loss(logits.to(at::kFloat), labels);
}

at::Tensor bce_loss(const DrawnMask& mask) {
  return at::binary_cross_entropy_with_logits(mask.logits, mask.target);
}

at::Tensor dice_loss(const DrawnMask& mask) {
  const at::Tensor p = at::sigmoid(mask.logits);
  return 1 - (2 * (p * mask.target).sum() + kSmooth) / (p.sum() + mask.target.sum() + kSmooth);
}

at::Tensor focal_loss(const DrawnMask& mask) {
  constexpr double foreground = 0.25;
  const at::Tensor signed_logits = mask.logits * (2 * mask.target - 1);  // q = σ(this)
  const at::Tensor weight = foreground * mask.target + (1 - foreground) * (1 - mask.target);
  const at::Tensor missing = at::sigmoid(-signed_logits);  // 1 − q
  return -(weight * missing.square() * at::log_sigmoid(signed_logits)).mean();
}

at::Tensor iou_loss(const DrawnMask& mask) {
  const at::Tensor p = at::sigmoid(mask.logits);
  const at::Tensor both = (p * mask.target).sum();
  return ((both + kSmooth) / (p.sum() + mask.target.sum() - both + kSmooth) - mask.predicted_iou).square();
}

at::Tensor router_loss(const std::vector<Routing>& routings) {
  at::Tensor total = at::zeros({}, at::kFloat);
  for (const auto& routing : routings) {
    const std::int64_t experts = routing.logits.size(-1);
    const at::Tensor probabilities = at::softmax(routing.logits, -1);
    const at::Tensor chosen = at::one_hot(routing.experts.select(1, 0), experts).to(at::kFloat);
    total = total + static_cast<double>(experts) * (probabilities.mean(0) * chosen.mean(0)).sum();
  }
  return total;
}

}  // namespace medplib::core
