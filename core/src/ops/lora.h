// LoRA: a weight's change as the product of two thin matrices. Hu et al., "LoRA" (2021).
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <memory>

namespace medplib::core {

// What a training leaves out of a layer's input, at random and anew at each pass; what stays is made larger
// by as much. Srivastava et al., "Dropout" (2014).
struct Dropout {
  double share = 0;      // of the elements, below 1
  at::Generator random;  // on the device of the elements
};

// A generator on that device.
at::Generator new_generator(c10::Device device);

// Elements are 0 with probability `share`, else 1 / (1 − share) times as large.
at::Tensor drop_out(const at::Tensor& x, Dropout& dropout);

struct Lora {
  at::Tensor a;                           // (r, in)
  at::Tensor b;                           // (out, r)
  double alpha = 0;                       // the change is alpha / r · b · a
  std::shared_ptr<Dropout> dropout = {};  // of the change's input, in training; else null
};

// alpha / r.
double scale_of(const Lora& lora);

// The change of what a layer gives: x (…, in) → (…, out).
at::Tensor apply_lora(const at::Tensor& x, const Lora& lora);

// `base` (out, in) with the change put into it, as between the published stages (docs/model.md, LoRA): W +
// alpha / r · B · A.
at::Tensor merge_lora(const at::Tensor& base, const Lora& lora);

}  // namespace medplib::core
