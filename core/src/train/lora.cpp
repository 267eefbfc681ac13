#include "train/lora.h"

#include <ATen/ATen.h>

namespace medplib::core {

at::Tensor merge_lora(const at::Tensor& base, const Lora& lora) {
  return base + lora.alpha / static_cast<double>(lora.a.size(0)) * at::matmul(lora.b, lora.a);
}

}  // namespace medplib::core
