// y = x Wᵀ + b, for whatever form the weight is kept in.
#pragma once

#include <ATen/core/Tensor.h>

namespace medplib::core {

// A matrix (out, in) as the model keeps it. Other forms (quantised, adapted) join here, and no caller
// changes.
struct Weight {
  at::Tensor dense;  // (out, in)
};

// x (…, in) → (…, out); `bias` (out) may be undefined.
at::Tensor linear(const at::Tensor& x, const Weight& weight, const at::Tensor& bias = {});

}  // namespace medplib::core
