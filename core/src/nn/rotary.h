// Rotary position embedding: where a token stands, as angles by which pairs of its query and key are turned.
#pragma once

#include "nn/config.h"

#include <ATen/core/Tensor.h>

namespace medplib::core {

// Of positions (B, T): (B, 1, T, d), for d channels a head. The second half of the channels repeats the
// first.
struct RotaryRows {
  at::Tensor cos, sin;
};

// Made once, on one thread and by the C library alone: the same bits in every process.
class RotaryTable {
 public:
  RotaryTable(const LanguageConfig& config, c10::Device device);

  // positions (B, T) int64, also behind the model's context, where padding may stand. The rows have the type
  // and device of `like`.
  RotaryRows at_positions(const at::Tensor& positions, const at::Tensor& like) const;

 private:
  at::Tensor frequencies_;  // (d / 2), float32, on the CPU
  at::Tensor cos_, sin_;    // (positions, d), float32, on the device
};

}  // namespace medplib::core
