// SAM-Med2D's image encoder: a ViT with windows, relative positions and adapters (docs/model.md, SAM-Med2D
// encoder).
#pragma once

#include "nn/config.h"
#include "nn/layers.h"

namespace medplib::core {

// An encoded image: the mask decoder's input.
struct ImageEmbedding {
  at::Tensor embedding;           // (B, channels, g, g)
  std::vector<at::Tensor> skips;  // with decoder_skips: the stem's features at 1/8 and 1/4; else empty

  // Returns the N images that `index` (N, int64) names, in its order; repeats are allowed.
  ImageEmbedding select(const at::Tensor& index) const;
};

class SamEncoder {
 public:
  SamEncoder(const Scope& scope, const SamConfig& config);

  // pixels (B, 3, S, S), normalised and padded.
  ImageEmbedding operator()(const at::Tensor& pixels, const Tap& tap = {}) const;

 private:
  struct Attention {
    Linear qkv, proj;
    at::Tensor rel_pos_h, rel_pos_w;  // (2·side − 1, head dim)
  };
  struct Adapter {
    Linear squeeze, excite;
    Conv down;
    TransposedConv up;
    LayerNorm norm;
  };
  struct Block {
    LayerNorm norm1, norm2;
    Attention attention;
    Linear mlp_in, mlp_out;
    std::optional<Adapter> adapter;
    bool global;
  };
  static Block make_block(const Scope& scope, const SamConfig& config, bool global);
  at::Tensor attend(const Attention& attention, const at::Tensor& x) const;
  at::Tensor attend_in_windows(const Attention& attention, const at::Tensor& x) const;
  at::Tensor run(const Block& block, const at::Tensor& x) const;

  SamConfig config_;
  Conv patch_, neck_in_, neck_out_;
  ConvStem stem_;
  LayerNorm neck_norm_in_, neck_norm_out_;
  at::Tensor positions_;
  std::vector<Block> blocks_;
};

}  // namespace medplib::core
