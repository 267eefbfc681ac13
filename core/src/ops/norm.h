// Normalisations.
#pragma once

#include <ATen/core/Tensor.h>

namespace medplib::core {

// x · rsqrt(mean(x²) + eps) · weight over the last axis; computed in float32 and cast back before the product
// with the weight, as LLaMA does.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

// LayerNorm over the last axis.
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps);

// LayerNorm over the channels of (B, C, H, W), as SAM's LayerNorm2d.
at::Tensor layer_norm_2d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps);

}  // namespace medplib::core
