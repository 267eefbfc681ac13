// Choosing the next token.
#pragma once

#include "text/tokenizer.h"

#include <medplib/core/session.h>

#include <ATen/core/Tensor.h>

#include <random>

namespace medplib::core {

struct Choice {
  TokenId token = 0;
  double lead = 0;  // of the highest logit over the next
};

// One answer's choices. Drawing depends on the seed and the logits alone, not on threads or the platform.
class Sampler {
 public:
  // Errors: InvalidArgument, for an option out of its range.
  explicit Sampler(const AskOptions& options);

  // logits (vocabulary), float32 on the CPU. Errors: Format, when they are not finite: the weights are
  // damaged.
  Choice choose(const at::Tensor& logits);

 private:
  TokenId draw(const float* logits, std::size_t count);

  double temperature_, top_p_;
  std::size_t top_k_;
  std::mt19937_64 random_;
};

// The probability of one token at temperature 1.
double probability_of(TokenId token, const at::Tensor& logits);

}  // namespace medplib::core
