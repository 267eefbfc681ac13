// A matrix in the form in which the model keeps it. Operators take it as it is; what is quantised or adapted
// changes a model's weights, never its code.
#pragma once

#include "ops/lora.h"

#include <ATen/core/Tensor.h>

#include <optional>
#include <variant>

namespace medplib::core {

// value = stored × scale of its row (the first dimension).
struct Int8Rows {
  at::Tensor values;  // (rows, …) int8
  at::Tensor scales;  // (rows) float32
};

struct Weight {
  std::variant<at::Tensor, Int8Rows> stored = {};  // a tensor: dense, of any floating type
  std::optional<Lora> adapter = {};                // on top of it
};

// Its values without the adapter: the tensor itself where it is dense, else float32.
at::Tensor dense(const Weight& weight);

c10::Device device_of(const Weight& weight);

}  // namespace medplib::core
