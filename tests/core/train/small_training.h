// A training so small that a test can run it: 32-pixel images of a bright disc, a network of a few thousand
// weights.
#pragma once

#include "base/files.h"
#include "base/json.h"
#include "support/golden.h"
#include "support/temporary_folder.h"

#include <medplib/core/mask.h>

#include <opencv2/imgproc.hpp>

#include <filesystem>
#include <string>

namespace medplib::test {

class SmallTraining {
 public:
  SmallTraining() {
    namespace fs = std::filesystem;
    for (const char* name : {"model", "images", "masks"}) fs::create_directories(folder() / name);
    for (const char* name : {"tokenizer.model", "added_tokens.json"})
      fs::copy_file(committed_goldens() / "ckpt" / "tiny_seg" / name, folder() / "model" / name);
    core::write_file(folder() / "model" / "config.json", config().dump());
    core::write_file(folder() / "model" / "medplib.json",
                     R"({"format_version": 1, "mask_geometry": "centered", "threshold": 0.5})");
    core::write_file(folder() / "train.json", records().dump());
    core::write_file(recipe(), core::Json{{"model", "model"},
                                          {"train", "train.json"},
                                          {"steps", 4},
                                          {"images_per_step", 2},
                                          {"warmup", 1},
                                          {"threads", 1},
                                          {"checkpoint_every", 2}}
                                   .dump());
  }

  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path recipe() const { return folder() / "recipe.json"; }

  static core::Json config() {
    return core::Json::parse(R"({
      "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 779,
      "max_position_embeddings": 512, "mm_hidden_size": 16, "mm_vision_select_layer": -1, "mm_token_pooling": 2, "out_dim": 16,
      "moe": {"moe_layers_idx": [1], "num_experts": [2]},
      "vision_config": {"image_size": 32, "patch_size": 8, "stem_channels": [4, 8], "hidden_size": 16, "intermediate_size": 32,
                        "num_hidden_layers": 1, "num_attention_heads": 2},
      "sam_config": {"image_size": 32, "patch_size": 16, "stem_channels": [4, 8, 8], "embed_dim": 16, "depth": 1, "num_heads": 2,
                     "window_size": 2, "global_attn_indexes": [], "encoder_adapter": false, "decoder_skips": true, "out_chans": 16,
                     "decoder_num_heads": 2, "decoder_mlp_dim": 32, "iou_head_hidden_dim": 16}})");
  }

 private:
  core::Json records() const {
    core::Json list = core::Json::array();
    for (int i = 0; i < 3; ++i) {
      const std::string name = std::to_string(i) + ".png";
      cv::Mat mask = cv::Mat::zeros(32, 32, CV_8UC1);
      cv::circle(mask, {10 + 4 * i, 16}, 6, cv::Scalar(255), cv::FILLED);
      cv::Mat rgb;
      cv::merge(std::vector<cv::Mat>{mask, mask / 2, mask / 2}, rgb);
      core::write_file(folder() / "images" / name, core::encode_png(rgb));
      core::write_file(folder() / "masks" / name, core::encode_png(mask));
      const auto add = [&](const std::string& question, const std::string& answer) {
        list.push_back({{"id", std::to_string(list.size())},
                        {"image", "images/" + name},
                        {"set", "discs"},
                        {"structure", "disc"},
                        {"conversations",
                         {{{"from", "human"}, {"value", "<image>\n" + question}},
                          {{"from", "gpt"}, {"value", answer}}}}});
      };
      add("Please segment the disc in this image.", "Sure, it is <SEG>.<mask>masks/" + name + "</mask>");
      add("What is in the region <region>masks/" + name + "</region>?", "Disc.");
      add("Which modality is this?", "A drawing.");
    }
    return list;
  }

  TemporaryFolder folder_;
};

}  // namespace medplib::test
