// SAM's prompt encoder and mask decoder (docs/model.md, Prompt encoder and mask decoder). Both compute in
// float32, whatever the model's precision; a training in bfloat16 casts their products as all others.
#pragma once

#include "nn/config.h"
#include "nn/layers.h"
#include "nn/sam_encoder.h"

namespace medplib::core {

// The prompts for one image, in pixels of the padded S × S input.
struct MaskPrompt {
  at::Tensor points;  // (n, 2) x, y, float32; undefined: none
  at::Tensor labels;  // (n) int64: 1 inside, 0 outside
  at::Tensor box;     // (4) x0, y0, x1, y1, float32; undefined: none
  at::Tensor text;    // (m, channels): <SEG> embeddings, float32; undefined: none
  at::Tensor mask;    // (1, n, n) logits of an earlier mask at low resolution, float32; undefined: none
};

struct PromptEmbedding {
  at::Tensor sparse;  // (N, n, channels)
  at::Tensor dense;   // (N, channels, g, g), or broadcast to it
};

class PromptEncoder {
 public:
  PromptEncoder(const Scope& scope, const SamConfig& config);

  PromptEmbedding operator()(const MaskPrompt& prompt) const;  // N = 1
  // N text prompts, one embedding each: (N, channels).
  PromptEmbedding text(const at::Tensor& embeddings) const;
  at::Tensor image_positions() const;  // (channels, g, g), float32

 private:
  at::Tensor encode(const at::Tensor& places) const;  // (…, 2) in [0, 1] → (…, channels)
  at::Tensor dense(const at::Tensor& mask) const;

  SamConfig config_;
  at::Tensor fourier_;  // (2, channels / 2), float32
  std::vector<at::Tensor> points_;
  at::Tensor not_a_point_, no_mask_;
  Conv mask_down1_, mask_down2_, mask_out_;
  LayerNorm mask_norm1_, mask_norm2_;
};

struct DecodedMasks {
  at::Tensor logits;  // (N, M, low resolution, low resolution)
  at::Tensor iou;     // (N, M): the decoder's estimate
};

class MaskDecoder {
 public:
  MaskDecoder(const Scope& scope, const SamConfig& config);

  // image: N images, or one for all, of any type. `image_positions` (channels, g, g). multimask: masks 1…,
  // else mask 0 alone.
  DecodedMasks operator()(const ImageEmbedding& image, const at::Tensor& image_positions,
                          const PromptEmbedding& prompt, bool multimask) const;

 private:
  struct Attention {
    Attention(const Scope& scope, std::int64_t channels, std::int64_t inner, std::int64_t heads);
    at::Tensor operator()(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) const;
    Linear q, k, v, out;
    std::int64_t heads;
  };
  struct Layer {
    Attention self_attention, token_to_image, image_to_token;
    LayerNorm norm1, norm2, norm3, norm4;
    Linear mlp_in, mlp_out;
  };
  static Layer make_layer(const Scope& scope, const SamConfig& config);
  // Attention between tokens (N, t, C) and image (N, g², C), both ways.
  std::pair<at::Tensor, at::Tensor> transform(const at::Tensor& tokens, at::Tensor image,
                                              const at::Tensor& positions) const;
  at::Tensor upscale(const at::Tensor& image, const std::vector<at::Tensor>& skips) const;

  SamConfig config_;
  at::Tensor iou_token_, mask_tokens_;
  std::vector<Layer> layers_;
  Attention final_attention_;
  LayerNorm final_norm_, up_norm_;
  TransposedConv up1_, up2_;
  std::vector<Conv> skips_;
  std::vector<ReluMlp> hypernetworks_;
  ReluMlp iou_head_;
};

}  // namespace medplib::core
