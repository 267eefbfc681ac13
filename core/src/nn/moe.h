// The feed-forward part of a language layer: one SwiGLU network, or several between which a router chooses
// (docs/model.md, Experts).
#pragma once

#include "nn/config.h"
#include "nn/layers.h"
#include "ops/moe_ffn.h"

#include <ATen/core/Generator.h>

namespace medplib::core {

class SwiGlu {
 public:
  SwiGlu(const Scope& scope, std::int64_t hidden, std::int64_t ffn);
  at::Tensor operator()(const at::Tensor& x) const { return swiglu(x, weights_); }

 private:
  SwiGluWeights weights_;
};

// The experts that were chosen for each token, and their weights.
struct Routing {
  at::Tensor logits;   // (tokens, experts), float32
  at::Tensor experts;  // (tokens, k), int64, most probable first, whether or not there is a place
  at::Tensor weights;  // (tokens, k), float32: the probability for k = 1, else renormalised to sum 1
};

Routing route(const at::Tensor& router_logits, std::int64_t k);

// How many tokens an expert takes, in training alone: the others get nothing from it.
struct ExpertCapacity {
  double factor = 0;     // of its share, were all tokens spread evenly
  at::Generator random;  // draws which, on the tokens' device

  // ⌈tokens · k / experts · factor⌉
  std::int64_t places(std::int64_t tokens, std::int64_t k, std::int64_t experts) const;
};

class Moe {
 public:
  Moe(const Scope& scope, const LanguageConfig& config, std::int64_t experts);

  // x (B, T, hidden) → the same shape. `routing` receives the choice. Without `capacity` an expert takes all
  // that chose it.
  at::Tensor operator()(const at::Tensor& x, Routing* routing,
                        const ExpertCapacity* capacity = nullptr) const;

 private:
  // In float32, whatever the model's precision.
  Routing choose(const at::Tensor& tokens) const;

  std::int64_t top_k_;
  at::Tensor router_;  // (experts, hidden), float32
  std::vector<SwiGluWeights> experts_;
};

}  // namespace medplib::core
