#include "ops/linear.h"

#include <ATen/ops/linear.h>

namespace medplib::core {

at::Tensor linear(const at::Tensor& x, const Weight& weight, const at::Tensor& bias) {
  return at::linear(x, weight.dense, bias);
}

}  // namespace medplib::core
