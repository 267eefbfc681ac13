#include "weights/names.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace medplib::core {

namespace {

struct Row {
  std::string ours, published;
};

// {} stands for an index. What follows a row's end (".weight", ".bias") is the same on both sides. The first
// row that fits counts.
const std::initializer_list<Row> language = {
    {"embed", "model.embed_tokens"},
    {"layers.{}.input_norm", "model.layers.{}.input_layernorm"},
    {"layers.{}.ffn_norm", "model.layers.{}.post_attention_layernorm"},
    {"layers.{}.attention.q", "model.layers.{}.self_attn.q_proj"},
    {"layers.{}.attention.k", "model.layers.{}.self_attn.k_proj"},
    {"layers.{}.attention.v", "model.layers.{}.self_attn.v_proj"},
    {"layers.{}.attention.o", "model.layers.{}.self_attn.o_proj"},
    {"layers.{}.ffn.gate", "model.layers.{}.mlp.gate_proj"},
    {"layers.{}.ffn.up", "model.layers.{}.mlp.up_proj"},
    {"layers.{}.ffn.down", "model.layers.{}.mlp.down_proj"},
    {"layers.{}.moe.router", "model.layers.{}.mlp.deepspeed_moe.gate.wg"},
    {"layers.{}.moe.experts.{}.gate",
     "model.layers.{}.mlp.deepspeed_moe.experts.deepspeed_experts.{}.gate_proj"},
    {"layers.{}.moe.experts.{}.up", "model.layers.{}.mlp.deepspeed_moe.experts.deepspeed_experts.{}.up_proj"},
    {"layers.{}.moe.experts.{}.down",
     "model.layers.{}.mlp.deepspeed_moe.experts.deepspeed_experts.{}.down_proj"},
    {"norm", "model.norm"},
    {"head", "lm_head"},
};

const std::initializer_list<Row> between = {
    {"projector.layers.{}", "mm_projector.{}"},
    {"projector.linear", "mm_projector"},
    {"region_adapter", "region_fea_adapter"},
    {"seg_projection.{}", "text_hidden_fcs.0.{}"},
};

const std::initializer_list<Row> clip = {
    {"class_embedding", "embeddings.class_embedding"},
    {"patch", "embeddings.patch_embedding"},
    {"stem.{}", "embeddings.stem.{}"},  // an extension: no published model has one
    {"positions", "embeddings.position_embedding.weight"},
    {"pre_norm", "pre_layrnorm"},
    {"layers.{}.norm1", "encoder.layers.{}.layer_norm1"},
    {"layers.{}.norm2", "encoder.layers.{}.layer_norm2"},
    {"layers.{}.attention.q", "encoder.layers.{}.self_attn.q_proj"},
    {"layers.{}.attention.k", "encoder.layers.{}.self_attn.k_proj"},
    {"layers.{}.attention.v", "encoder.layers.{}.self_attn.v_proj"},
    {"layers.{}.attention.out", "encoder.layers.{}.self_attn.out_proj"},
    {"layers.{}.mlp.in", "encoder.layers.{}.mlp.fc1"},
    {"layers.{}.mlp.out", "encoder.layers.{}.mlp.fc2"},
};

const std::initializer_list<Row> sam_encoder = {
    {"patch", "patch_embed.proj"},
    {"stem.{}", "stem.{}"},  // an extension
    {"positions", "pos_embed"},
    {"blocks.{}.norm1", "blocks.{}.norm1"},
    {"blocks.{}.norm2", "blocks.{}.norm2"},
    {"blocks.{}.attention", "blocks.{}.attn"},
    {"blocks.{}.mlp.in", "blocks.{}.mlp.lin1"},
    {"blocks.{}.mlp.out", "blocks.{}.mlp.lin2"},
    {"blocks.{}.adapter", "blocks.{}.Adapter"},
    {"neck.{}", "neck.{}"},
};

const std::initializer_list<Row> sam_prompt = {
    {"points.{}", "point_embeddings.{}.weight"},
    {"not_a_point", "not_a_point_embed.weight"},
    {"no_mask", "no_mask_embed.weight"},
    {"fourier", "pe_layer.positional_encoding_gaussian_matrix"},
    {"mask_downscaling.{}", "mask_downscaling.{}"},
};

const std::initializer_list<Row> sam_decoder = {
    {"iou_token", "iou_token.weight"},
    {"mask_tokens", "mask_tokens.weight"},
    {"transformer.layers.{}.norm1", "transformer.layers.{}.norm1"},
    {"transformer.layers.{}.norm2", "transformer.layers.{}.norm2"},
    {"transformer.layers.{}.norm3", "transformer.layers.{}.norm3"},
    {"transformer.layers.{}.norm4", "transformer.layers.{}.norm4"},
    {"transformer.layers.{}.mlp.in", "transformer.layers.{}.mlp.lin1"},
    {"transformer.layers.{}.mlp.out", "transformer.layers.{}.mlp.lin2"},
    {"transformer.final_norm", "transformer.norm_final_attn"},
    {"upscaling.{}", "output_upscaling.{}"},
    {"hypernetworks.{}.{}", "output_hypernetworks_mlps.{}.layers.{}"},
    {"iou_head.{}", "iou_prediction_head.layers.{}"},
    {"skips.{}", "skips.{}"},  // an extension
};

const std::initializer_list<Row> sam_decoder_attentions = {
    {"layers.{}.self_attention", "layers.{}.self_attn"},
    {"layers.{}.token_to_image", "layers.{}.cross_attn_token_to_image"},
    {"layers.{}.image_to_token", "layers.{}.cross_attn_image_to_token"},
    {"final_attention", "final_attn_token_to_image"},
};

std::vector<Row> build_table() {
  std::vector<Row> table;
  const auto add = [&table](const std::string& ours, const std::string& published,
                            std::initializer_list<Row> rows) {
    for (const Row& row : rows) table.push_back({ours + row.ours, published + row.published});
  };
  add("language.", "", language);
  add("", "model.", between);
  add("clip.", "model.vision_tower.vision_tower.vision_model.", clip);
  add("sam.encoder.", "model.visual_model.image_encoder.", sam_encoder);
  add("sam.prompt.", "model.visual_model.prompt_encoder.", sam_prompt);
  const std::string decoder = "model.visual_model.mask_decoder.";
  add("sam.decoder.", decoder, sam_decoder);
  for (const Row& attention : sam_decoder_attentions) {
    add("sam.decoder.transformer." + attention.ours + ".",
        decoder + "transformer." + attention.published + ".",
        {{"q", "q_proj"}, {"k", "k_proj"}, {"v", "v_proj"}, {"out", "out_proj"}});
  }
  return table;
}

const std::vector<Row>& table() {
  static const std::vector<Row> rows = build_table();
  return rows;
}

// `to` with the indices that `name` has where `from` has {}, then the rest of `name`; nothing when `name`
// does not start with `from`.
std::optional<std::string> rewrite(std::string_view name, std::string_view from, std::string_view to) {
  std::string result;
  while (true) {
    const auto brace = from.find("{}");
    const auto literal = from.substr(0, brace);
    if (!name.starts_with(literal)) return std::nullopt;
    name.remove_prefix(literal.size());
    if (brace == std::string_view::npos) break;
    const auto digits = std::min(name.find_first_not_of("0123456789"), name.size());
    if (digits == 0) return std::nullopt;
    const auto to_brace = to.find("{}");
    result.append(to.substr(0, to_brace)).append(name.substr(0, digits));
    name.remove_prefix(digits);
    from.remove_prefix(brace + 2);
    to.remove_prefix(to_brace + 2);
  }
  if (!name.empty() && name.front() != '.') return std::nullopt;
  return result.append(to).append(name);
}

}  // namespace

std::string published_name(const std::string& network) {
  for (const Row& row : table()) {
    if (auto name = rewrite(network, row.ours, row.published)) return *name;
  }
  fail(ErrorCode::Internal, "The table of checkpoint names (weights/names.cpp) has no row for '", network,
       "'.");
}

bool is_ignored_published_name(const std::string& published) {
  static constexpr std::array<std::string_view, 4> endings = {".rotary_emb.inv_freq", ".position_ids",
                                                              ".pixel_mean", ".pixel_std"};
  static constexpr std::string_view last_norm =
      "model.vision_tower.vision_tower.vision_model.post_layernorm.";
  return published.starts_with(last_norm) ||
         std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return published.ends_with(ending); });
}

}  // namespace medplib::core
