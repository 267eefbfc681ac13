// The feed-forward networks of LLaMA, one or several of which each token takes some.
#pragma once

#include "ops/weight.h"

#include <ATen/core/Generator.h>

#include <span>

namespace medplib::core {

// gate and up: (ffn, hidden), down: (hidden, ffn).
struct SwiGluWeights {
  Weight gate, up, down;
};

// down(silu(gate x) · up x): (…, hidden) → (…, hidden). Shazeer, "GLU Variants Improve Transformer" (2020).
at::Tensor swiglu(const at::Tensor& x, const SwiGluWeights& weights);

// `chosen` (n, k) int64 with −1 for what an expert has no place for: it keeps `capacity` of the tokens that
// chose it, drawn so that each is as likely to be kept.
at::Tensor keep_within(std::int64_t capacity, const at::Tensor& chosen, std::int64_t experts,
                       const at::Generator& random);

// Σ_k shares[t, k] · swiglu(tokens[t], experts[chosen[t, k]]): tokens (n, hidden), chosen (n, k) int64, −1
// for no expert, shares (n, k) float32 → (n, hidden). Only the experts that tokens chose are run, on those
// tokens.
at::Tensor moe_ffn(const at::Tensor& tokens, const at::Tensor& chosen, const at::Tensor& shares,
                   std::span<const SwiGluWeights> experts);

}  // namespace medplib::core
