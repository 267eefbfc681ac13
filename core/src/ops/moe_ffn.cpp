#include "ops/moe_ffn.h"

#include "ops/linear.h"

#include <ATen/ATen.h>

namespace medplib::core {

namespace {

// Decoding: nothing to sort.
at::Tensor one_token(const at::Tensor& token, const at::Tensor& chosen, const at::Tensor& shares,
                     std::span<const SwiGluWeights> experts) {
  at::Tensor out;
  for (std::int64_t k = 0; k < chosen.size(1); ++k) {
    const auto expert = static_cast<std::size_t>(chosen.select(1, k).item<std::int64_t>());
    const at::Tensor part = shares.narrow(1, k, 1) * swiglu(token, experts[expert]);
    out = out.defined() ? out + part : part;
  }
  return out;
}

}  // namespace

at::Tensor swiglu(const at::Tensor& x, const SwiGluWeights& weights) {
  return linear(at::silu(linear(x, weights.gate)) * linear(x, weights.up), weights.down);
}

at::Tensor moe_ffn(const at::Tensor& tokens, const at::Tensor& chosen, const at::Tensor& shares,
                   std::span<const SwiGluWeights> experts) {
  const at::Tensor narrow = shares.to(tokens.scalar_type());
  if (tokens.size(0) == 1) return one_token(tokens, chosen, narrow, experts);
  at::Tensor out = at::zeros_like(tokens);
  for (std::size_t expert = 0; expert < experts.size(); ++expert) {
    const at::Tensor taken = at::nonzero(chosen == static_cast<std::int64_t>(expert));  // (m, 2): token, rank
    if (taken.size(0) == 0) continue;
    const at::Tensor rows = taken.select(1, 0);
    const at::Tensor share = narrow.index({rows, taken.select(1, 1)}).unsqueeze(1);
    out = out.index_add(0, rows, share * swiglu(tokens.index_select(0, rows), experts[expert]));
  }
  return out;
}

}  // namespace medplib::core
