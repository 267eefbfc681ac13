// What config.json may say, and what it means when it says nothing.
#include "model/info.h"
#include "nn/network.h"
#include "support/golden.h"
#include "support/thrown.h"
#include "weights/names.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <string>
#include <vector>

namespace medplib::core {
namespace {

using test::thrown_by;

struct Refusal {
  std::string json;      // in place of the published sizes
  std::string sentence;  // has this in it
  ErrorCode code = ErrorCode::Format;
};

void expect_refused(const Refusal& row) {
  const auto thrown = thrown_by([&] { ModelConfig::from_json(Json::parse(row.json), "config.json"); });
  EXPECT_EQ(thrown.code, row.code) << row.json << ": " << thrown.sentence;
  EXPECT_THAT(thrown.sentence, testing::HasSubstr(row.sentence)) << row.json;
  EXPECT_THAT(thrown.sentence, testing::HasSubstr("config.json")) << row.json;
}

TEST(Config, what_the_network_does_not_have_is_unsupported_and_named) {
  for (const auto& [json, key] : std::vector<std::pair<const char*, const char*>>{
           {R"({"num_key_value_heads": 8})", "num_key_value_heads"},
           {R"({"rope_scaling": {"type": "linear", "factor": 2}})", "rope_scaling"},
           {R"({"hidden_act": "gelu"})", "hidden_act"},
           {R"({"vision_config": {"hidden_act": "gelu"}})", "vision_config: hidden_act"},
           {R"({"moe": {"use_residual": true}})", "moe.use_residual"},
           {R"({"mm_projector_type": "mlp2x_relu"})", "mm_projector_type \"mlp2x_relu\""},
           {R"({"mm_projector_type": "mlp0x_gelu"})", "mm_projector_type"},
           {R"({"mm_projector_type": ""})", "mm_projector_type"},
           {R"({"mm_use_im_start_end": false})", "mm_use_im_start_end"}})
    expect_refused({json, key, ErrorCode::Unsupported});
}

TEST(Config, a_size_out_of_range_or_of_another_type_is_named) {
  for (const char* key :
       {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
        "vocab_size", "max_position_embeddings", "mm_hidden_size", "out_dim", "mm_token_pooling"})
    for (const char* value : {"0", "-1", "16777217", "\"wide\"", "[]"})
      expect_refused({text_of("{\"", key, "\": ", value, "}"), key});
  for (const char* key : {"image_size", "patch_size", "hidden_size", "intermediate_size", "num_hidden_layers",
                          "num_attention_heads"})
    expect_refused({text_of("{\"vision_config\": {\"", key, "\": 0}}"), key});
  for (const char* key : {"image_size", "patch_size", "embed_dim", "depth", "num_heads", "window_size",
                          "mlp_ratio", "out_chans", "decoder_depth", "decoder_num_heads", "decoder_mlp_dim",
                          "iou_head_depth", "iou_head_hidden_dim", "num_multimask_outputs", "mask_in_chans"})
    expect_refused({text_of("{\"sam_config\": {\"", key, "\": 0}}"), key});
  expect_refused({R"({"num_hidden_layers": 1025})", "num_hidden_layers"});
  expect_refused({R"({"moe": {"top_k_experts": 0}})", "top_k_experts"});
  expect_refused({R"({"rms_norm_eps": "small"})", "rms_norm_eps"});
}

TEST(Config, a_part_that_is_no_object_is_named) {
  expect_refused({"[]", "JSON object"});
  for (const char* key : {"moe", "vision_config", "sam_config"})
    expect_refused({text_of("{\"", key, "\": 7}"), key});
}

TEST(Config, experts_must_stand_in_layers_that_are_there_and_be_enough) {
  for (const Refusal& row : std::vector<Refusal>{
           {R"({"moe": {"moe_layers_idx": [0, 1, 2], "num_experts": [2, 2]}})", "moe.num_experts"},
           {R"({"moe": {"moe_layers_idx": [], "num_experts": [2]}})", "moe.num_experts"},
           {R"({"moe": {"moe_layers_idx": [0, 32], "num_experts": [2]}})",
            "moe.moe_layers_idx names layer 32"},
           {R"({"moe": {"moe_layers_idx": [-1], "num_experts": [2]}})", "moe.moe_layers_idx names layer -1"},
           {R"({"moe": {"moe_layers_idx": [0], "num_experts": [0]}})", "moe.num_experts holds 0"},
           {R"({"moe": {"moe_layers_idx": [0], "num_experts": [1025]}})", "moe.num_experts holds 1025"},
           {R"({"moe": {"moe_layers_idx": [0], "num_experts": [2], "top_k_experts": 3}})",
            "moe.num_experts holds 2"}})
    expect_refused(row);
}

TEST(Config, sizes_must_fit_each_other) {
  for (const Refusal& row : std::vector<Refusal>{
           {R"({"num_attention_heads": 31})", "num_attention_heads"},
           {R"({"hidden_size": 96, "num_attention_heads": 32})", "hidden_size must be an even multiple"},
           {R"({"vision_config": {"image_size": 335}})", "image_size"},
           {R"({"vision_config": {"num_attention_heads": 15}})", "num_attention_heads"},
           {R"({"vision_config": {"patch_size": 8, "image_size": 336, "stem_channels": [8, 0]}})",
            "stem_channels must be positive"},
           {R"({"vision_config": {"stem_channels": [8, 16]}})", "stem_channels has 2 entries"},
           {R"({"vision_config": {"stem_channels": [1, 1, 1, 1, 1, 1, 1, 1]}})",
            "stem_channels has 8 entries"},
           {R"({"sam_config": {"image_size": 250}})", "image_size"},
           {R"({"sam_config": {"num_heads": 7}})", "num_heads"},
           {R"({"sam_config": {"out_chans": 264}, "out_dim": 264})", "decoder_num_heads"},
           {R"({"sam_config": {"out_chans": 252, "decoder_num_heads": 1}})", "out_chans"},
           {R"({"sam_config": {"mask_in_chans": 18}})", "mask_in_chans"},
           {R"({"sam_config": {"stem_channels": [8, 16]}})", "stem_channels has 2 entries"},
           {R"({"sam_config": {"decoder_skips": true}})", "decoder_skips"},
           {R"({"sam_config": {"decoder_skips": true, "patch_size": 8, "stem_channels": [8, 16]}})",
            "decoder_skips"},
           {R"({"mm_vision_select_layer": -26})", "mm_vision_select_layer is -26, but there are 25"},
           {R"({"mm_vision_select_layer": 25})", "mm_vision_select_layer"},
           {R"({"mm_hidden_size": 1023})", "mm_hidden_size"},
           {R"({"out_dim": 255})", "out_dim"},
           {R"({"mm_projector_type": "identity"})", "mm_projector_type \"identity\" needs equal widths"},
           {R"({"mm_token_pooling": 5})", "mm_token_pooling"}})
    expect_refused(row);
}

TEST(Config, what_lies_just_within_is_taken) {
  for (const char* json :
       {R"({"mm_vision_select_layer": -25})", R"({"mm_vision_select_layer": 24})",
        R"({"rope_scaling": null})", R"({"num_key_value_heads": 32})", R"({"moe": null})",
        R"({"mm_token_pooling": 24})", R"({"mm_projector_type": "mlp9x_gelu"})",
        R"({"mm_projector_type": "linear"})", R"({"hidden_size": 1024, "mm_projector_type": "identity"})",
        R"({"sam_config": {"decoder_skips": true, "stem_channels": [8, 16, 32]}})"})
    EXPECT_NO_THROW(ModelConfig::from_json(Json::parse(json), "config.json")) << json;
}

TEST(Config, one_number_of_experts_counts_for_all_layers_and_they_can_be_switched_off) {
  const auto moe_of = [](const char* moe) {
    return ModelConfig::from_json({{"moe", Json::parse(moe)}}, "config.json").language.moe;
  };
  const MoeConfig all = moe_of(R"({"moe_layers_idx": [0, 5], "num_experts": [3]})");
  EXPECT_EQ(all.experts_in(0), 3);
  EXPECT_EQ(all.experts_in(1), 0);
  EXPECT_EQ(all.experts_in(5), 3);
  const MoeConfig none =
      moe_of(R"({"moe_enable": false, "moe_layers_idx": [0], "num_experts": [2], "use_residual": true})");
  EXPECT_EQ(none.experts_in(0), 0);
}

// The release's config.json as far as it tells of the network: nothing of the sizes of CLIP and SAM.
Json published() {
  Json config = Json::parse(R"({
    "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings": 4096,
    "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "rms_norm_eps": 1e-05,
    "rope_scaling": null, "vocab_size": 32267, "mm_hidden_size": 1024, "mm_projector_type": "mlp2x_gelu",
    "mm_vision_tower": "openai/clip-vit-large-patch14-336", "mm_vision_select_layer": -2,
    "mm_use_im_start_end": true, "out_dim": 256, "max_sample_point": 512,
    "moe": {"moe_enable": true, "capacity_factor": 1.5, "eval_capacity_factor": 2.0, "ep_size": 1,
            "min_capacity": 0, "router_aux_loss_coef": 0.0, "top_k_experts": 1, "use_residual": false}})");
  for (int layer = 0; layer < 32; ++layer) {
    config["moe"]["moe_layers_idx"].push_back(layer);
    config["moe"]["num_experts"].push_back(2);
  }
  return config;
}

TEST(Config, of_the_published_model_has_the_published_numbers_of_parameters) {
  const auto folder = test::committed_goldens() / "ckpt" / "tiny_seg";
  FolderFacts facts(folder);
  facts.config = ModelConfig::from_json(published(), "config.json");
  const ModelInfo info = model_info(facts, Checkpoint(folder), Precision::BFloat16);
  std::map<std::string, double> billions;
  for (const PartInfo& part : info.parts) billions[part.name] = static_cast<double>(part.parameters) / 1e9;
  EXPECT_NEAR(billions.at("language"), 11.07, 0.005);
  EXPECT_NEAR(static_cast<double>(info.read_per_token) / 1e9, 6.61, 0.005);
  EXPECT_NEAR(billions.at("clip"), 0.30, 0.005);
  EXPECT_NEAR(billions.at("image encoder") + billions.at("mask decoder"), 0.27, 0.005);
  EXPECT_EQ(info.experts, std::vector<std::int64_t>(32, 2));
  EXPECT_EQ(info.image_tokens, 576);
}

// Shapes by published name, without a number of them in memory.
class PublishedShapes : public ParameterSource {
 public:
  at::Tensor take(const ParameterSpec& spec) override {
    all[published_name(spec.name)] = spec.shape;
    return at::zeros({1}).expand(spec.shape);
  }
  std::map<std::string, std::vector<std::int64_t>> all;
};

// The names of the published code's own small checkpoint, with the published numbers of layers.
std::vector<std::string> names_with_all_layers() {
  const std::map<std::string, int> stacks = {
      {"model.layers.", 32},
      {"model.vision_tower.vision_tower.vision_model.encoder.layers.", 24},
      {"model.visual_model.image_encoder.blocks.", 12}};
  const std::regex indexed(R"(^(.*?\.(?:layers|blocks)\.)(\d+)(\..*)$)");
  std::vector<std::string> names;
  for (const TensorSummary& tensor : Checkpoint(test::committed_goldens() / "ckpt" / "tiny_seg").tensors()) {
    std::smatch parts;
    if (is_ignored_published_name(tensor.name)) continue;
    if (!std::regex_match(tensor.name, parts, indexed) || !stacks.contains(parts[1]))
      names.push_back(tensor.name);
    else if (parts[2] == "0")
      for (int layer = 0; layer < stacks.at(parts[1]); ++layer)
        names.push_back(text_of(parts[1].str(), layer, parts[3].str()));
  }
  return names;
}

TEST(Config, of_the_published_model_makes_a_network_of_the_published_tensors) {
  PublishedShapes shapes;
  const Network network(shapes, ModelConfig::from_json(published(), "config.json"));
  std::vector<std::string> names;
  for (const auto& [name, shape] : shapes.all) names.push_back(name);
  EXPECT_THAT(names, testing::UnorderedElementsAreArray(names_with_all_layers()));

  using Shape = std::vector<std::int64_t>;
  const std::string clip = "model.vision_tower.vision_tower.vision_model.", sam = "model.visual_model.";
  const std::map<std::string, Shape> some = {
      {"model.embed_tokens.weight", {32267, 4096}},
      {"model.layers.31.mlp.deepspeed_moe.gate.wg.weight", {2, 4096}},
      {"model.layers.31.mlp.deepspeed_moe.experts.deepspeed_experts.1.down_proj.weight", {4096, 11008}},
      {"model.mm_projector.0.weight", {4096, 1024}},
      {"model.mm_projector.2.weight", {4096, 4096}},
      {"model.region_fea_adapter.weight", {4096, 1024}},
      {"model.text_hidden_fcs.0.2.weight", {256, 4096}},
      {clip + "embeddings.patch_embedding.weight", {1024, 3, 14, 14}},
      {clip + "embeddings.position_embedding.weight", {577, 1024}},
      {clip + "encoder.layers.23.mlp.fc1.weight", {4096, 1024}},
      {sam + "image_encoder.pos_embed", {1, 16, 16, 768}},
      {sam + "image_encoder.blocks.0.attn.rel_pos_h", {27, 64}},
      {sam + "image_encoder.blocks.2.attn.rel_pos_h", {31, 64}},
      {sam + "image_encoder.blocks.0.Adapter.channel.0.weight", {192, 768}},
      {sam + "mask_decoder.transformer.layers.1.mlp.lin1.weight", {2048, 256}},
      {sam + "mask_decoder.iou_prediction_head.layers.2.weight", {4, 256}}};
  for (const auto& [name, shape] : some) EXPECT_EQ(shapes.all[name], shape) << name;
}

}  // namespace
}  // namespace medplib::core
