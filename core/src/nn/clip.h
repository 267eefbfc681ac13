// CLIP's image tower, whose features the language model reads (docs/model.md, CLIP; HF CLIPVisionModel).
#pragma once

#include "nn/config.h"
#include "nn/layers.h"

namespace medplib::core {

class Clip {
 public:
  Clip(const Scope& scope, const ClipConfig& config);

  // pixels (B, 3, S, S), normalised → patch features (B, grid², hidden) of the selected hidden state, without
  // CLS.
  at::Tensor operator()(const at::Tensor& pixels, const Tap& tap = {}) const;

 private:
  struct Layer {
    LayerNorm norm1, norm2;
    Linear q, k, v, out, mlp_in, mlp_out;
  };
  at::Tensor embed(const at::Tensor& pixels) const;
  at::Tensor run(const Layer& layer, const at::Tensor& x) const;

  ClipConfig config_;
  Conv patch_;
  ConvStem stem_;
  at::Tensor class_embedding_, positions_;
  LayerNorm pre_norm_;
  std::vector<Layer> layers_;
};

}  // namespace medplib::core
