// Losses (reference §8, §12).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace medplib::core {

struct Routing;

// Mean over pixels of −[g log p + (1 − g) log(1 − p)], of one mask: logits and target (H, W).
at::Tensor bce_loss(const at::Tensor& logits, const at::Tensor& target);

// 1 − (2 Σ p g + 1e-6) / (Σ p + Σ g + 1e-6), of one mask.
at::Tensor dice_loss(const at::Tensor& logits, const at::Tensor& target);

// Σ over layers of E · Σ_e mean(p_e) · mean(1[argmax = e]): tokens spread over experts evenly give 1 a layer.
at::Tensor router_loss(const std::vector<Routing>& routings);

}  // namespace medplib::core
