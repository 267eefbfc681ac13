// What a model is made of: config.json in Hugging Face's layout (docs/model.md, Configuration).
#pragma once

#include "base/json.h"

#include <medplib/core/names.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace medplib::core {

inline constexpr std::int64_t kMostExperts = 1024;  // of a layer

struct MoeConfig {
  std::vector<std::int64_t> layers;   // which layers have experts; empty: none
  std::vector<std::int64_t> experts;  // how many, one entry for each of `layers`
  std::int64_t top_k = 1;
  double router_loss_weight = 0.01;

  // Returns the number of experts of a layer; 0 = a dense layer.
  std::int64_t experts_in(std::int64_t layer) const;
};

struct LanguageConfig {
  std::int64_t hidden = 4096, ffn = 11008, layers = 32, heads = 32, vocabulary = 32267, max_positions = 4096;
  double norm_eps = 1e-5, rope_theta = 10000;
  MoeConfig moe;
};

// A conv stem replaces the patch projection in small models: 3×3 stride-2 convolutions of these widths, then
// one to the tower's width.
using StemChannels = std::vector<std::int64_t>;

struct ClipConfig {
  std::int64_t image_size = 336, patch = 14, hidden = 1024, ffn = 4096, layers = 24, heads = 16;
  double norm_eps = 1e-5;
  std::int64_t select_layer =
      -2;  // an index into the hidden states: 0 = embeddings, −1 = after the last layer
  StemChannels stem;
  std::int64_t grid() const { return image_size / patch; }
};

struct SamConfig {
  std::int64_t image_size = 256, patch = 16, dim = 768, depth = 12, heads = 12, window = 14, mlp_ratio = 4;
  std::vector<std::int64_t> global_layers = {2, 5, 8, 11};
  bool adapters = true;
  StemChannels stem;
  bool decoder_skips = false;   // the decoder also gets the stem's features at 1/8 and 1/4
  std::int64_t channels = 256;  // of the image embedding and the decoder
  std::int64_t decoder_depth = 2, decoder_heads = 8, decoder_mlp = 2048;
  std::int64_t iou_depth = 3, iou_hidden = 256, multimask_outputs = 3, mask_channels = 16;
  std::int64_t grid() const { return image_size / patch; }
  std::int64_t low_resolution() const { return 4 * grid(); }
};

// How mask logits come back to image size.
enum class MaskGeometry {
  Reference,  // as the published code does, whose weights were trained with its crop
  Centered,   // the true image area of the letterbox
};

template <>
struct Names<MaskGeometry> {
  static constexpr const char* kind = "mask geometry";
  static constexpr NameTable<MaskGeometry, 2> all = {
      {{MaskGeometry::Reference, "reference"}, {MaskGeometry::Centered, "centered"}}};
};

struct ModelConfig {
  LanguageConfig language;
  ClipConfig clip;
  SamConfig sam;
  std::string projector = "mlp2x_gelu";  // "linear", "identity", "mlpNx_gelu"
  std::int64_t token_pooling = 1;        // k: k × k image cells become one token by their mean

  std::int64_t image_tokens() const { return (clip.grid() / token_pooling) * (clip.grid() / token_pooling); }

  // Errors: NotFound, Format (a key absent, of a wrong type, or sizes that don't fit together), Unsupported.
  static ModelConfig read(const std::filesystem::path& config_json);
  static ModelConfig from_json(const Json& json, const std::string& where);
};

}  // namespace medplib::core
