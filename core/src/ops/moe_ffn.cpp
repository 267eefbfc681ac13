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
    const auto expert = chosen.select(1, k).item<std::int64_t>();
    if (expert < 0) continue;
    const at::Tensor part = shares.narrow(1, k, 1) * swiglu(token, experts[static_cast<std::size_t>(expert)]);
    out = out.defined() ? out + part : part;
  }
  return out.defined() ? out : at::zeros_like(token);
}

}  // namespace

at::Tensor swiglu(const at::Tensor& x, const SwiGluWeights& weights) {
  return linear(at::silu(linear(x, weights.gate)) * linear(x, weights.up), weights.down);
}

at::Tensor keep_within(std::int64_t capacity, const at::Tensor& chosen, std::int64_t experts,
                       const at::Generator& random) {
  at::Tensor kept = chosen.clone().flatten();
  for (std::int64_t expert = 0; expert < experts; ++expert) {
    const at::Tensor places = at::nonzero(kept == expert).squeeze(1);
    const std::int64_t over = places.numel() - capacity;
    if (over <= 0) continue;
    const at::Tensor order = at::randperm(places.numel(), random, places.options());
    kept.index_fill_(0, places.index_select(0, order.narrow(0, 0, over)), -1);
  }
  return kept.view(chosen.sizes());
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
