#include "nn/moe.h"

#include "ops/autocast.h"

#include <ATen/ATen.h>

namespace medplib::core {

SwiGlu::SwiGlu(const Scope& scope, std::int64_t hidden, std::int64_t ffn)
    : gate_(scope / "gate", hidden, ffn, false),
      up_(scope / "up", hidden, ffn, false),
      down_(scope / "down", ffn, hidden, false) {}

at::Tensor SwiGlu::operator()(const at::Tensor& x) const { return down_(at::silu(gate_(x)) * up_(x)); }

Routing route(const at::Tensor& router_logits, std::int64_t k) {
  const at::Tensor probabilities = at::softmax(router_logits, -1);
  auto [weights, experts] = probabilities.topk(k, -1);
  if (k > 1) weights = weights / weights.sum(-1, /*keepdim=*/true);
  return {router_logits, experts, weights};
}

Moe::Moe(const Scope& scope, const LanguageConfig& config, std::int64_t experts)
    : top_k_(config.moe.top_k),
      router_(scope.take_float32("router.weight", {experts, config.hidden}, Init::FanIn)) {
  for (std::int64_t i = 0; i < experts; ++i)
    experts_.emplace_back(scope / "experts" / i, config.hidden, config.ffn);
}

Routing Moe::choose(const at::Tensor& tokens) const {
  const NoAutocast exact;
  return route(at::linear(tokens.to(at::kFloat), router_), top_k_);
}

at::Tensor Moe::operator()(const at::Tensor& x, Routing* routing) const {
  const at::Tensor tokens = x.reshape({-1, x.size(-1)});  // (tokens, C)
  const Routing chosen = choose(tokens);
  const at::Tensor weights = chosen.weights.to(x.scalar_type());
  at::Tensor out;
  if (tokens.size(0) == 1) {  // decoding: nothing to sort
    for (std::int64_t k = 0; k < top_k_; ++k) {
      const auto expert = static_cast<std::size_t>(chosen.experts.select(1, k).item<std::int64_t>());
      const at::Tensor part = weights.narrow(1, k, 1) * experts_[expert](tokens);
      out = out.defined() ? out + part : part;
    }
  } else {
    out = at::zeros_like(tokens);
    for (std::size_t expert = 0; expert < experts_.size(); ++expert) {
      const at::Tensor taken =
          at::nonzero(chosen.experts == static_cast<std::int64_t>(expert));  // (n, 2): token, rank
      if (taken.size(0) == 0) continue;
      const at::Tensor rows = taken.select(1, 0);
      const at::Tensor weight = weights.index({rows, taken.select(1, 1)}).unsqueeze(1);
      out = out.index_add(0, rows, weight * experts_[expert](tokens.index_select(0, rows)));
    }
  }
  if (routing) *routing = chosen;
  return out.view(x.sizes());
}

}  // namespace medplib::core
