#include "ops/linear.h"

#include <ATen/ATen.h>

namespace medplib::core {

at::Tensor linear(const at::Tensor& x, const Weight& weight, const at::Tensor& bias) {
  const bool as_it_is = std::holds_alternative<at::Tensor>(weight.stored);
  const at::Tensor y = at::linear(x, as_it_is ? dense(weight) : dense(weight).to(x.scalar_type()), bias);
  return weight.adapter ? y + apply_lora(x, *weight.adapter) : y;
}

}  // namespace medplib::core
