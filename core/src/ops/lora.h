// LoRA: a weight's change as the product of two thin matrices. Hu et al., "LoRA" (2021).
#pragma once

#include <ATen/core/Tensor.h>

namespace medplib::core {

struct Lora {
  at::Tensor a;      // (r, in)
  at::Tensor b;      // (out, r)
  double alpha = 0;  // the change is alpha / r · b · a
};

// alpha / r.
double scale_of(const Lora& lora);

// `base` (out, in) with the change put into it, as between the published stages (docs/model.md, LoRA): W +
// alpha / r · B · A.
at::Tensor merge_lora(const at::Tensor& base, const Lora& lora);

}  // namespace medplib::core
