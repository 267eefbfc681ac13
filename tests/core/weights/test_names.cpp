#include "nn/network.h"
#include "support/golden.h"
#include "weights/checkpoint.h"
#include "weights/names.h"
#include "weights/sources.h"

#include <medplib/core/error.h>

#include <gtest/gtest.h>

#include <set>

namespace medplib::core {
namespace {

TEST(Names, a_network_name_has_its_published_spelling) {
  EXPECT_EQ(published_name("language.layers.12.attention.q.weight"),
            "model.layers.12.self_attn.q_proj.weight");
  EXPECT_EQ(published_name("language.layers.3.moe.experts.1.down.weight"),
            "model.layers.3.mlp.deepspeed_moe.experts.deepspeed_experts.1.down_proj.weight");
  EXPECT_EQ(published_name("projector.layers.2.bias"), "model.mm_projector.2.bias");
  EXPECT_EQ(published_name("projector.linear.bias"), "model.mm_projector.bias");
  EXPECT_EQ(published_name("clip.positions"),
            "model.vision_tower.vision_tower.vision_model.embeddings.position_embedding.weight");
  EXPECT_EQ(published_name("sam.encoder.blocks.0.attention.rel_pos_h"),
            "model.visual_model.image_encoder.blocks.0.attn.rel_pos_h");
  EXPECT_EQ(published_name("sam.decoder.transformer.final_attention.out.bias"),
            "model.visual_model.mask_decoder.transformer.final_attn_token_to_image.out_proj.bias");
}

TEST(Names, a_name_without_a_row_is_an_internal_error_that_tells_it) {
  try {
    published_name("language.layers.0.surprise");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Internal);
    EXPECT_NE(std::string(error.what()).find("language.layers.0.surprise"), std::string::npos);
  }
}

TEST(Names, buffers_of_published_checkpoints_are_ignored) {
  EXPECT_TRUE(is_ignored_published_name("model.layers.0.self_attn.rotary_emb.inv_freq"));
  EXPECT_TRUE(
      is_ignored_published_name("model.vision_tower.vision_tower.vision_model.embeddings.position_ids"));
  EXPECT_TRUE(is_ignored_published_name("model.vision_tower.vision_tower.vision_model.post_layernorm.bias"));
  EXPECT_FALSE(is_ignored_published_name("model.norm.weight"));
}

TEST(Names, the_networks_parameters_are_the_tensors_of_every_golden_checkpoint) {
  const auto folders = test::golden_checkpoints();
  if (folders.empty()) GTEST_SKIP() << "The golden set has no checkpoint.";
  for (const auto& folder : folders) {
    (void)test::golden_model(folder);
    FreshParameters parameters(0);
    const Network network(parameters, ModelConfig::read(folder / "config.json"));
    std::set<std::string> ours, theirs;
    for (const auto& [name, value] : parameters.all())
      EXPECT_TRUE(ours.insert(published_name(name)).second) << "two parameters are " << published_name(name);
    for (const auto& tensor : Checkpoint(folder).tensors())
      if (!is_ignored_published_name(tensor.name)) theirs.insert(tensor.name);
    EXPECT_EQ(ours, theirs) << folder;
  }
}

}  // namespace
}  // namespace medplib::core
