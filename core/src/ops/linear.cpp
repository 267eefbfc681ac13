#include "ops/linear.h"

#include <ATen/ATen.h>

namespace medplib::core {

at::Tensor linear(const at::Tensor& x, const Weight& weight, const at::Tensor& bias) {
  const bool as_it_is = std::holds_alternative<at::Tensor>(weight.stored);
  const at::Tensor y = at::linear(x, as_it_is ? dense(weight) : dense(weight).to(x.scalar_type()), bias);
  if (!weight.adapter) return y;
  const Lora& lora = *weight.adapter;
  return y + scale_of(lora) * at::linear(at::linear(x, lora.a), lora.b);
}

}  // namespace medplib::core
