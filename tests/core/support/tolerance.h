// How close to the published implementation's numbers each device and precision must come: the one table.
#pragma once

#include <c10/core/ScalarType.h>

#include <ostream>
#include <string>

namespace medplib::test {

struct Tolerance {
  // Features, states, router, logits, seg embedding: largest error relative to the largest magnitude. In
  // bfloat16, of the rows of tokens, the 95th percentile of their largest errors.
  double states;
  double masks;  // mask logits, gradients
  double losses;
  double id_margin;  // greedy ids are compared where the lead over the next token is larger
  double pixels;     // share of a mask's pixels that may differ
  double cosine;     // least cosine of states
};

struct Variant {
  const char* name;
  const char* device;
  c10::ScalarType dtype;
  Tolerance tolerance;
  friend void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }
};

inline constexpr Variant kVariants[] = {
    {"float32_on_cpu", "cpu", c10::ScalarType::Float, {1e-4, 5e-4, 1e-4, 1e-3, 0.001, 0.999999}},
    {"bfloat16_on_cpu", "cpu", c10::ScalarType::BFloat16, {3e-2, 6e-2, 2e-2, 0.1, 0.02, 0.999}},
    {"float32_on_cuda", "cuda", c10::ScalarType::Float, {5e-4, 2e-3, 5e-4, 1e-3, 0.003, 0.999999}},
    {"bfloat16_on_cuda", "cuda", c10::ScalarType::BFloat16, {3e-2, 6e-2, 2e-2, 0.1, 0.02, 0.999}},
};

}  // namespace medplib::test
