// Losses (docs/model.md, Losses). Each is checked against the published code's values and gradients.
//
// Of one mask each: z = `logits` (H, W) at image size, p = σ(z), g = `target` (H, W), 0 and 1. All are
// float32 scalars that gradients flow through. A batch takes their means over its masks (train/forward.cpp).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace medplib::core {

struct Routing;

// −log softmax(logits)[label], mean over the rows: logits (n, vocabulary), labels (n) int64. A batch's mean
// is over all of its labelled tokens. LLaMA's loss, as in the published model.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels);

// Mean over pixels of −[g log p + (1 − g) log(1 − p)].
at::Tensor bce_loss(const at::Tensor& logits, const at::Tensor& target);

// 1 − (2 Σ p g + 1e-6) / (Σ p + Σ g + 1e-6).
at::Tensor dice_loss(const at::Tensor& logits, const at::Tensor& target);

// Mean over pixels of −α (1 − q)² log q, with q = p and α = 0.25 where g = 1, q = 1 − p and α = 0.75
// elsewhere. The gradient goes through (1 − q)², too. Lin et al., "Focal Loss for Dense Object Detection"
// (2017), eq. 5, γ = 2.
at::Tensor focal_loss(const at::Tensor& logits, const at::Tensor& target);

// (s − predicted)², with s = (Σ p g + 1e-6) / (Σ p + Σ g − Σ p g + 1e-6), which isn't held still: the mask
// learns from it as well. `predicted`: what the decoder says of its mask, a scalar.
at::Tensor iou_loss(const at::Tensor& logits, const at::Tensor& target, const at::Tensor& predicted);

// Σ over layers of E · Σ_e mean(p_e) · mean(1[argmax = e]), means over all tokens of the batch, its padding
// too: tokens spread over experts evenly give 1 a layer. Fedus et al., "Switch Transformers" (2021), eq. 4.
at::Tensor router_loss(const std::vector<Routing>& routings);

}  // namespace medplib::core
