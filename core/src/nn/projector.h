// From image features to the language model's embeddings.
#pragma once

#include "nn/config.h"
#include "nn/layers.h"

namespace medplib::core {

class Projector {
 public:
  Projector(const Scope& scope, const ModelConfig& config);

  // features (B, grid², clip) → image tokens (B, image_tokens, hidden).
  at::Tensor operator()(const at::Tensor& features) const;

 private:
  std::int64_t pooling_;
  std::vector<Linear> layers_;  // none: identity; GELU between them
};

}  // namespace medplib::core
