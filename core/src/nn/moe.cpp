#include "nn/moe.h"

#include "ops/autocast.h"

#include <ATen/ATen.h>

#include <cmath>

namespace medplib::core {

namespace {

SwiGluWeights take_swiglu(const Scope& scope, std::int64_t hidden, std::int64_t ffn) {
  return {.gate = (scope / "gate").take_weight("weight", {ffn, hidden}, Init::FanIn),
          .up = (scope / "up").take_weight("weight", {ffn, hidden}, Init::FanIn),
          .down = (scope / "down").take_weight("weight", {hidden, ffn}, Init::FanIn)};
}

}  // namespace

SwiGlu::SwiGlu(const Scope& scope, std::int64_t hidden, std::int64_t ffn)
    : weights_(take_swiglu(scope, hidden, ffn)) {}

Routing route(const at::Tensor& router_logits, std::int64_t k) {
  const at::Tensor probabilities = at::softmax(router_logits, -1);
  auto [weights, experts] = probabilities.topk(k, -1);
  if (k > 1) weights = weights / weights.sum(-1, /*keepdim=*/true);
  return {router_logits, experts, weights};
}

std::int64_t ExpertCapacity::places(std::int64_t tokens, std::int64_t k, std::int64_t experts) const {
  // Divided last: what is a whole number stays one.
  return static_cast<std::int64_t>(
      std::ceil(static_cast<double>(tokens * k) * factor / static_cast<double>(experts)));
}

Moe::Moe(const Scope& scope, const LanguageConfig& config, std::int64_t experts)
    : top_k_(config.moe.top_k),
      router_(scope.take_float32("router.weight", {experts, config.hidden}, Init::FanIn)) {
  for (std::int64_t i = 0; i < experts; ++i)
    experts_.push_back(take_swiglu(scope / "experts" / i, config.hidden, config.ffn));
}

Routing Moe::choose(const at::Tensor& tokens) const {
  const NoAutocast exact;
  return route(at::linear(tokens.to(at::kFloat), router_), top_k_);
}

at::Tensor Moe::operator()(const at::Tensor& x, Routing* routing, const ExpertCapacity* capacity) const {
  const at::Tensor tokens = x.reshape({-1, x.size(-1)});  // (tokens, C)
  const Routing chosen = choose(tokens);
  const std::int64_t experts = std::ssize(experts_);
  const at::Tensor taken = capacity == nullptr
                               ? chosen.experts
                               : keep_within(capacity->places(tokens.size(0), top_k_, experts),
                                             chosen.experts, experts, capacity->random);
  const at::Tensor out = moe_ffn(tokens, taken, chosen.weights, experts_);
  if (routing) *routing = chosen;
  return out.view(x.sizes());
}

}  // namespace medplib::core
