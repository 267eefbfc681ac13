#include "ops/lora.h"

#include <ATen/ATen.h>

namespace medplib::core {

double scale_of(const Lora& lora) { return lora.alpha / static_cast<double>(lora.a.size(0)); }

at::Tensor merge_lora(const at::Tensor& base, const Lora& lora) {
  return base + scale_of(lora) * at::matmul(lora.b, lora.a);
}

}  // namespace medplib::core
