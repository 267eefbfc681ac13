// y = x Wᵀ + b, for whatever form the weight is kept in.
#pragma once

#include "ops/weight.h"

namespace medplib::core {

// x (…, in), weight (out, in) → (…, out); `bias` (out) may be undefined.
at::Tensor linear(const at::Tensor& x, const Weight& weight, const at::Tensor& bias = {});

}  // namespace medplib::core
