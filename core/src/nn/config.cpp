#include "nn/config.h"

#include <medplib/core/error.h>

#include <algorithm>

namespace medplib::core {
namespace {

using Integers = std::vector<std::int64_t>;

void check(bool fits, const std::string& where, const std::string& what) {
  if (!fits) fail(ErrorCode::Format, where, ": ", what, ".");
}

std::int64_t positive(const Json& json, const char* key, std::int64_t otherwise, const std::string& where,
                      std::int64_t largest = 1 << 24) {
  const auto value = optional_or<std::int64_t>(json, key, otherwise, where);
  check(value > 0 && value <= largest, where,
        text_of("\"", key, "\" is ", value, "; it must lie between 1 and ", largest));
  return value;
}

// Reads a number of layers.
std::int64_t depth(const Json& json, const char* key, std::int64_t otherwise, const std::string& where) {
  return positive(json, key, otherwise, where, 1024);
}

// Returns the object under a key; an empty one when it is absent.
Json part(const Json& json, const char* key, const std::string& where) {
  const Json found = json.value(key, Json::object());
  check(found.is_object() || found.is_null(), where, text_of("\"", key, "\" must be a JSON object"));
  return found.is_null() ? Json::object() : found;
}

MoeConfig read_moe(const Json& json, std::int64_t layers, const std::string& where) {
  MoeConfig moe;
  if (!optional_or<bool>(json, "moe_enable", true, where)) return moe;
  moe.layers = optional_or<Integers>(json, "moe_layers_idx", {}, where);
  moe.experts = optional_or<Integers>(json, "num_experts", {}, where);
  moe.top_k = positive(json, "top_k_experts", 1, where);
  moe.router_loss_weight = optional_or<double>(json, "router_aux_loss_coef", 0.01, where);
  if (moe.experts.size() == 1 && moe.layers.size() > 1) moe.experts.assign(moe.layers.size(), moe.experts[0]);
  check(moe.experts.size() == moe.layers.size(), where,
        "moe.num_experts and moe.moe_layers_idx differ in length");
  for (const auto layer : moe.layers)
    check(layer >= 0 && layer < layers, where,
          text_of("moe.moe_layers_idx names layer ", layer, " of ", layers));
  for (const auto experts : moe.experts)
    check(experts >= moe.top_k && experts <= kMostExperts, where, text_of("moe.num_experts holds ", experts));
  if (optional_or<bool>(json, "use_residual", false, where))
    fail(ErrorCode::Unsupported, where, ": moe.use_residual is not supported.");
  return moe;
}

LanguageConfig read_language(const Json& json, const std::string& where) {
  LanguageConfig language;
  language.hidden = positive(json, "hidden_size", 4096, where);
  language.ffn = positive(json, "intermediate_size", 11008, where);
  language.layers = depth(json, "num_hidden_layers", 32, where);
  language.heads = positive(json, "num_attention_heads", 32, where);
  language.vocabulary = positive(json, "vocab_size", 32267, where);
  language.max_positions = positive(json, "max_position_embeddings", 4096, where);
  language.norm_eps = optional_or<double>(json, "rms_norm_eps", 1e-5, where);
  language.rope_theta = optional_or<double>(json, "rope_theta", 10000.0, where);
  check(language.hidden % language.heads == 0 && language.hidden / language.heads % 2 == 0, where,
        "hidden_size must be an even multiple of num_attention_heads");
  if (positive(json, "num_key_value_heads", language.heads, where) != language.heads)
    fail(ErrorCode::Unsupported, where, ": grouped-query attention (num_key_value_heads) is not supported.");
  if (json.contains("rope_scaling") && !json["rope_scaling"].is_null())
    fail(ErrorCode::Unsupported, where, ": rope_scaling is not supported.");
  if (optional_or<std::string>(json, "hidden_act", "silu", where) != "silu")
    fail(ErrorCode::Unsupported, where, ": hidden_act must be \"silu\".");
  if (json.contains("moe")) language.moe = read_moe(part(json, "moe", where), language.layers, where);
  return language;
}

void check_stem(const StemChannels& stem, std::int64_t patch, const std::string& where) {
  if (stem.empty()) return;
  check(std::ranges::all_of(stem, [](auto width) { return width > 0; }), where,
        "stem_channels must be positive");
  check(stem.size() < 8 && patch == std::int64_t{1} << (stem.size() + 1), where,
        text_of("stem_channels has ", stem.size(), " entries, so patch_size must be 2 to the power of ",
                stem.size() + 1));
}

ClipConfig read_clip(const Json& json, const std::string& where) {
  ClipConfig clip;
  clip.image_size = positive(json, "image_size", 336, where);
  clip.patch = positive(json, "patch_size", 14, where);
  clip.hidden = positive(json, "hidden_size", 1024, where);
  clip.ffn = positive(json, "intermediate_size", 4096, where);
  clip.layers = depth(json, "num_hidden_layers", 24, where);
  clip.heads = positive(json, "num_attention_heads", 16, where);
  clip.norm_eps = optional_or<double>(json, "layer_norm_eps", 1e-5, where);
  clip.stem = optional_or<StemChannels>(json, "stem_channels", {}, where);
  check(clip.image_size % clip.patch == 0 && clip.hidden % clip.heads == 0, where,
        "image_size must be a multiple of patch_size, hidden_size of num_attention_heads");
  check_stem(clip.stem, clip.patch, where);
  if (optional_or<std::string>(json, "hidden_act", "quick_gelu", where) != "quick_gelu")
    fail(ErrorCode::Unsupported, where, ": hidden_act must be \"quick_gelu\".");
  return clip;
}

SamConfig read_sam(const Json& json, const std::string& where) {
  SamConfig sam;
  sam.image_size = positive(json, "image_size", 256, where);
  sam.patch = positive(json, "patch_size", 16, where);
  sam.dim = positive(json, "embed_dim", 768, where);
  sam.depth = depth(json, "depth", 12, where);
  sam.heads = positive(json, "num_heads", 12, where);
  sam.window = positive(json, "window_size", 14, where);
  sam.mlp_ratio = positive(json, "mlp_ratio", 4, where);
  sam.global_layers = optional_or<Integers>(json, "global_attn_indexes", {2, 5, 8, 11}, where);
  sam.adapters = optional_or<bool>(json, "encoder_adapter", true, where);
  sam.stem = optional_or<StemChannels>(json, "stem_channels", {}, where);
  sam.decoder_skips = optional_or<bool>(json, "decoder_skips", false, where);
  sam.channels = positive(json, "out_chans", 256, where);
  sam.decoder_depth = depth(json, "decoder_depth", 2, where);
  sam.decoder_heads = positive(json, "decoder_num_heads", 8, where);
  sam.decoder_mlp = positive(json, "decoder_mlp_dim", 2048, where);
  sam.iou_depth = depth(json, "iou_head_depth", 3, where);
  sam.iou_hidden = positive(json, "iou_head_hidden_dim", 256, where);
  sam.multimask_outputs = positive(json, "num_multimask_outputs", 3, where);
  sam.mask_channels = positive(json, "mask_in_chans", 16, where);
  check(sam.image_size % sam.patch == 0 && sam.dim % sam.heads == 0, where,
        "image_size must be a multiple of patch_size, embed_dim of num_heads");
  check(sam.channels % (2 * sam.decoder_heads) == 0 && sam.channels % 8 == 0 && sam.mask_channels % 4 == 0,
        where, "out_chans must be a multiple of 8 and of twice decoder_num_heads, mask_in_chans of 4");
  check_stem(sam.stem, sam.patch, where);
  check(!sam.decoder_skips || sam.stem.size() == 3, where,
        "decoder_skips needs stem_channels of three entries");
  return sam;
}

void check_projector(const ModelConfig& config, const std::string& where) {
  const std::string& type = config.projector;
  const bool mlp = type.size() == 10 && type.starts_with("mlp") && type.ends_with("x_gelu") &&
                   type[3] >= '1' && type[3] <= '9';
  if (type != "linear" && type != "identity" && !mlp)
    fail(ErrorCode::Unsupported, where, ": mm_projector_type \"", type,
         "\" is not one of linear, identity, mlpNx_gelu.");
  check(type != "identity" || config.clip.hidden == config.language.hidden, where,
        "mm_projector_type \"identity\" needs equal widths of CLIP and the language model (hidden_size)");
}

}  // namespace

std::int64_t MoeConfig::experts_in(std::int64_t layer) const {
  const auto found = std::ranges::find(layers, layer);
  return found == layers.end() ? 0 : experts[static_cast<std::size_t>(found - layers.begin())];
}

ModelConfig ModelConfig::read(const std::filesystem::path& config_json) {
  return from_json(read_json(config_json), config_json.string());
}

ModelConfig ModelConfig::from_json(const Json& json, const std::string& where) {
  check(json.is_object(), where, "the configuration must be a JSON object");
  ModelConfig config;
  config.language = read_language(json, where);
  // The release's configuration doesn't carry the sizes of CLIP and SAM: absent objects mean the published
  // ones.
  config.clip = read_clip(part(json, "vision_config", where), where + ", vision_config");
  config.sam = read_sam(part(json, "sam_config", where), where + ", sam_config");
  config.clip.select_layer = optional_or<std::int64_t>(json, "mm_vision_select_layer", -2, where);
  const std::int64_t states = config.clip.layers + 1;
  check(config.clip.select_layer >= -states && config.clip.select_layer < states, where,
        text_of("mm_vision_select_layer is ", config.clip.select_layer, ", but there are ", states,
                " hidden states"));
  check(positive(json, "mm_hidden_size", config.clip.hidden, where) == config.clip.hidden, where,
        "mm_hidden_size differs from CLIP's hidden_size");
  check(positive(json, "out_dim", config.sam.channels, where) == config.sam.channels, where,
        "out_dim differs from SAM's out_chans");
  if (!optional_or<bool>(json, "mm_use_im_start_end", true, where))
    fail(ErrorCode::Unsupported, where,
         ": mm_use_im_start_end must be true; images without <im_start> and <im_end> are not supported.");
  config.projector = optional_or<std::string>(json, "mm_projector_type", "mlp2x_gelu", where);
  check_projector(config, where);
  config.token_pooling = positive(json, "mm_token_pooling", 1, where);
  check(config.clip.grid() % config.token_pooling == 0, where, "mm_token_pooling must divide CLIP's grid");
  return config;
}

}  // namespace medplib::core
