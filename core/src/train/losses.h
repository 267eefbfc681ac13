// The losses' functions (docs/model.md, Losses); loss_table.h lists the losses. Each is checked against the
// published code's values and gradients. All are float32 scalars that gradients flow through.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace medplib::core {

struct Routing;

// −log softmax(logits)[label], mean over the rows: logits (n, vocabulary), labels (n) int64. A batch's mean
// is over all of its labelled tokens. LLaMA's loss, as in the published model.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels);

// A mask, and what it should be. Below, z is `logits`, p = σ(z), g is `target`.
struct DrawnMask {
  at::Tensor logits;              // (H, W), at image size
  at::Tensor target;              // (H, W), 0 and 1
  at::Tensor predicted_iou = {};  // scalar: what the decoder says of its mask
};

// Mean over pixels of −[g log p + (1 − g) log(1 − p)].
at::Tensor bce_loss(const DrawnMask& mask);

// 1 − (2 Σ p g + 1e-6) / (Σ p + Σ g + 1e-6).
at::Tensor dice_loss(const DrawnMask& mask);

// Mean over pixels of −α (1 − q)² log q, with q = p and α = 0.25 where g = 1, q = 1 − p and α = 0.75
// elsewhere. The gradient goes through (1 − q)², too. Lin et al., "Focal Loss for Dense Object Detection"
// (2017), eq. 5, γ = 2.
at::Tensor focal_loss(const DrawnMask& mask);

// (s − predicted_iou)², with s = (Σ p g + 1e-6) / (Σ p + Σ g − Σ p g + 1e-6), whose gradient is not stopped:
// the mask learns from it as well.
at::Tensor iou_loss(const DrawnMask& mask);

// Σ over layers of E · Σ_e mean(p_e) · mean(1[argmax = e]), means over all tokens of the batch, its padding
// too: tokens spread over experts evenly give 1 a layer. Fedus et al., "Switch Transformers" (2021), eq. 4.
at::Tensor router_loss(const std::vector<Routing>& routings);

}  // namespace medplib::core
