// The feed-forward networks of LLaMA, one or several of which each token takes some.
#pragma once

#include "ops/weight.h"

#include <span>

namespace medplib::core {

// gate and up: (ffn, hidden), down: (hidden, ffn).
struct SwiGluWeights {
  Weight gate, up, down;
};

// down(silu(gate x) · up x): (…, hidden) → (…, hidden). Shazeer, "GLU Variants Improve Transformer" (2020).
at::Tensor swiglu(const at::Tensor& x, const SwiGluWeights& weights);

// Σ_k shares[t, k] · swiglu(tokens[t], experts[chosen[t, k]]): tokens (n, hidden), chosen (n, k) int64,
// shares (n, k) float32 → (n, hidden). Only the experts that tokens chose are run, on those tokens.
at::Tensor moe_ffn(const at::Tensor& tokens, const at::Tensor& chosen, const at::Tensor& shares,
                   std::span<const SwiGluWeights> experts);

}  // namespace medplib::core
