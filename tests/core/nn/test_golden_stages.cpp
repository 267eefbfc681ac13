// Every stage of the network against the published implementation's numbers.
#include "base/json.h"
#include "image/geometry.h"
#include "model/device.h"
#include "support/golden_network.h"
#include "text/prompt.h"
#include "vision/mask_geometry.h"
#include "vision/pixels.h"

#include <medplib/core/error.h>
#include <medplib/core/mask.h>

#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <optional>
#include <string>
#include <tuple>

namespace medplib::test {

using core::Network;
using core::text_of;

namespace {

cv::Mat plane_of(const at::Tensor& logits) { return core::picture_of(logits.to(at::kCPU, at::kFloat)); }

at::Tensor bytes_of(const cv::Mat& rgb) {
  return at::from_blob(rgb.data, {rgb.rows, rgb.cols, 3}, at::kByte).clone();
}

// Follows one picture and its teacher-forced answer through the network.
class Stages {
 public:
  Stages(const GoldenCase& golden, const Variant& variant)
      : given_(golden),
        variant_(variant),
        device_(core::open_device(variant.device)),
        network_(load_network(given_.golden.checkpoint, given_.config, variant.dtype, device_)),
        box_(core::letterbox(given_.image.width(), given_.image.height(),
                             static_cast<int>(given_.config.sam.image_size))) {}

  std::optional<std::string> tokens_dropped() const {
    return test::tokens_dropped(given_.facts, config_of(given_.golden.checkpoint, given_.facts));
  }

  void check_pixels() {
    const cv::Mat& rgb = given_.image.rgb();
    if (given_.has("sam_resized_u8")) {
      const cv::Mat resized = core::sam_resized(rgb, box_.target);
      EXPECT_TRUE(at::equal(bytes_of(resized), given_.tensor("sam_resized_u8")));
    }
    if (given_.has("clip_u8")) {
      const cv::Mat square = core::clip_square(rgb, static_cast<int>(given_.config.clip.image_size));
      EXPECT_TRUE(at::equal(bytes_of(square).permute({2, 0, 1}), given_.tensor("clip_u8")));
    }
    const at::Tensor clip = core::clip_pixels(rgb, given_.config.clip),
                     sam = core::sam_pixels(rgb, given_.config.sam);
    for (const auto& [name, got] : {std::pair{"clip_pixels", clip}, std::pair{"sam_pixels", sam}}) {
      if (given_.has(name)) {
        EXPECT_LE(relative_error(got, given_.tensor(name)), 1e-6) << name;
      } else {
        const auto sum = given_.fact<double>(text_of(name, "_sum").c_str());
        EXPECT_NEAR(got.to(at::kDouble).sum().item<double>(), sum, 1e-5 * std::abs(sum)) << name;
      }
    }
    clip_pixels_ = to_device(clip).unsqueeze(0);
    sam_pixels_ = to_device(sam).unsqueeze(0);
  }

  void check_image_tokens() {
    features_ = network_->clip(clip_pixels_);
    states("clip_features", features_[0]);
    image_tokens_ = network_->projector(features_)[0];
    states("mm_projector", image_tokens_);
  }

  void check_regions() {
    const auto& clip = given_.config.clip;
    const at::Tensor adapted = network_->region.adapt(features_[0]);
    states("region_adapter", adapted);
    const std::vector<core::Region> regions = given_.regions();
    for (std::size_t i = 0; i < regions.size(); ++i) {
      const cv::Mat mask = regions[i].rasterize(given_.image.width(), given_.image.height());
      const auto grid =
          core::region_grid(mask, static_cast<int>(clip.image_size), static_cast<int>(clip.grid()));
      const at::Tensor cells = core::tensor_of(grid.cells);
      EXPECT_TRUE(at::equal(cells != 0, given_.tensor("region_mask24." + std::to_string(i)) != 0));
      regions_.push_back(network_->region(adapted, cells.to(device_)));
    }
    if (!regions_.empty()) states("region_embedding", at::stack(regions_));
  }

  void check_language() {
    const auto tokenizer = core::Tokenizer::load(given_.golden.checkpoint);
    const auto ids = core::encode_prompt(tokenizer, given_.fact<std::string>("teacher_prompt"));
    EXPECT_EQ(ids, given_.fact<std::vector<core::TokenId>>("teacher_ids"));
    const at::Tensor embeddings = network_->embed_prompt(ids, {&image_tokens_, 1}, regions_);
    states("inputs_embeds", embeddings);
    core::KvCache cache(given_.config.language, embeddings.size(0), embeddings.options());
    std::map<std::string, at::Tensor> inputs;  // of the layers
    const core::Tap tap = [&](std::string_view name, const at::Tensor& value) {
      inputs.emplace(name, value[0]);
    };
    output_ = network_->language.extend(embeddings.unsqueeze(0), cache, tap);
    check_layers(inputs);
    rows("final_norm", output_.hidden[0], 0);
    const auto first = given_.fact<std::int64_t>("logits_first_position");
    rows("logits", network_->language.logits(output_.hidden[0].slice(0, first)), first);
  }

  void check_masks() {
    const auto at_seg =
        at::tensor(given_.fact<std::vector<std::int64_t>>("seg_predicting_positions"), at::kLong);
    // In low precision from the published state: tolerance.h.
    const at::Tensor hidden = is_exact() ? output_.hidden[0].index_select(0, at_seg.to(device_))
                                         : to_device(given_.tensor("seg_hidden"));
    if (is_exact()) states("seg_hidden", hidden);
    const at::Tensor seg = network_->seg_embedding(hidden);
    states("seg_embedding", seg);
    const core::ImageEmbedding image = network_->sam_encoder(sam_pixels_);
    states("sam_embedding", image.embedding[0]);
    const auto& encoder = network_->prompt_encoder;
    const auto [low, iou] =
        network_->mask_decoder(image, encoder.image_positions(), encoder.text(seg), false);
    masks("low_res_logits", low.squeeze(1));
    expect_same_iou("iou_pred", iou.squeeze(1), given_.tensor("iou_pred"), variant_);
    const at::Tensor logits =
        core::masks_at_image_size(low.to(at::kFloat), core::MaskGeometry::Reference, box_).squeeze(1);
    masks("mask_logits", logits);
    for (std::int64_t i = 0; i < logits.size(0); ++i)
      for (const char* threshold : {"0.1", "0.5"}) check_drawn(logits[i], i, threshold);
  }

  void check_that_all_was_compared() const { EXPECT_THAT(given_.unread(), testing::IsEmpty()); }

 private:
  at::Tensor to_device(const at::Tensor& t) const { return t.to(device_, variant_.dtype); }

  void states(const std::string& name, const at::Tensor& got) {
    if (given_.has(name))
      expect_close(name, got, given_.tensor(name), variant_.tolerance.states, variant_.tolerance.cosine);
  }
  void masks(const std::string& name, const at::Tensor& got) {
    if (given_.has(name)) expect_close(name, got, given_.tensor(name), variant_.tolerance.masks);
  }

  bool is_exact() const { return variant_.dtype == at::kFloat; }

  // The rows of tokens `first` …: in low precision as tolerance.h says.
  void rows(const std::string& name, const at::Tensor& got, std::int64_t first) {
    if (!given_.has(name)) return;
    if (is_exact()) return states(name, got);
    const at::Tensor published = given_.tensor(name), given = got.cpu().to(at::kFloat);
    const at::Tensor errors = (given - published).abs().amax(1) / published.abs().max();
    const at::Tensor kept = same_experts_.slice(0, first), undisturbed = undisturbed_.slice(0, first);
    const Tolerance& tolerance = variant_.tolerance;
    EXPECT_LE(at::quantile(errors.masked_select(kept), kRowsWithin).item<double>(), tolerance.states) << name;
    if (name.starts_with("hidden.")) {
      EXPECT_LE((errors * undisturbed).max().item<double>(), tolerance.states) << name;
    }
    const at::Tensor whole = kept.unsqueeze(1);
    EXPECT_GE(cosine(given.masked_select(whole), published.masked_select(whole)), tolerance.cosine) << name;
  }

  void check_layers(const std::map<std::string, at::Tensor>& inputs) {
    const auto& layers = given_.config.language.moe.layers;
    ASSERT_EQ(output_.routings.size(), layers.size());
    same_experts_ = at::ones({output_.hidden.size(1)}, at::kBool);
    undisturbed_ = same_experts_;
    std::size_t with_experts = 0;
    for (std::int64_t i = 0; i < given_.config.language.layers; ++i) {
      const std::string layer = std::to_string(i);
      if (i > 0) rows("hidden." + layer, inputs.at("hidden." + layer), 0);
      undisturbed_ = at::cumprod(undisturbed_, 0) != 0;  // a token looks at all before it
      if (given_.config.language.moe.experts_in(i) > 0)
        check_routing(layer, output_.routings[with_experts++]);
    }
    EXPECT_GE(same_experts_.to(at::kFloat).mean().item<double>(), kSameExperts);
  }

  void check_routing(const std::string& layer, const core::Routing& routing) {
    rows("router_logits." + layer, routing.logits, 0);
    rows("router_probs." + layer, at::softmax(routing.logits, -1), 0);
    const auto published = core::route(given_.tensor("router_logits." + layer), routing.experts.size(1));
    const at::Tensor same = (routing.experts.cpu() == published.experts).all(1);
    same_experts_ = same_experts_ & same;
    undisturbed_ = undisturbed_ & same;
    const auto counts = given_.fact<core::Json>("router_counts").at(layer).get<std::vector<std::int64_t>>();
    EXPECT_EQ(taken(published, counts.size()), counts) << layer;
    if (is_exact()) {
      EXPECT_TRUE(same.logical_or(is_near_tie(layer)).all().item<bool>()) << layer;
    }
  }

  // Of each token: whether two of its experts are so alike that rounding may swap them.
  at::Tensor is_near_tie(const std::string& layer) const {
    const at::Tensor probabilities = at::softmax(given_.tensor("router_logits." + layer), -1);
    const at::Tensor sorted = std::get<0>(probabilities.sort(-1, /*descending=*/true));
    return (sorted.slice(1, 0, -1) - sorted.slice(1, 1) < 1e-4).any(1);
  }

  // How many tokens have each expert as their first choice.
  static std::vector<std::int64_t> taken(const core::Routing& routing, std::size_t experts) {
    std::vector<std::int64_t> counts;
    for (std::size_t e = 0; e < experts; ++e)
      counts.push_back(
          (routing.experts.select(1, 0) == static_cast<std::int64_t>(e)).sum().item<std::int64_t>());
    return counts;
  }

  void check_drawn(const at::Tensor& logits, std::int64_t index, const std::string& threshold) {
    const std::string file =
        text_of(given_.fact<std::string>("name"), ".mask", index, ".t", threshold, ".png");
    const core::Image expected = core::Image::read(golden(given_.golden.folder / file));
    cv::Mat inside;
    cv::extractChannel(expected.rgb(), inside, 0);
    const core::Mask drawn(plane_of(logits), "", std::stod(threshold));
    const cv::Mat differs = (inside != 0) != (drawn.binary() != 0);
    EXPECT_LE(cv::countNonZero(differs), variant_.tolerance.pixels * static_cast<double>(inside.total()))
        << file;
  }

  OpenCase given_;
  const Variant& variant_;
  c10::Device device_;
  std::unique_ptr<Network> network_;
  core::Letterbox box_;
  at::Tensor clip_pixels_, sam_pixels_, features_, image_tokens_;
  std::vector<at::Tensor> regions_;
  core::LanguageOutput output_;
  at::Tensor same_experts_;  // (T) bool: took the published experts so far
  at::Tensor undisturbed_;   // (T) bool: and looked at no token that did not
};

}  // namespace

TEST(GoldenSet, that_is_named_is_a_folder) {
  EXPECT_TRUE(std::filesystem::is_directory(golden_root())) << "MEDPLIB_GOLDENS names " << golden_root();
}

TEST(GoldenCases, are_listed) { EXPECT_FALSE(core::read_json(golden("cases/index.json")).empty()); }

class GoldenStages : public testing::TestWithParam<std::tuple<GoldenCase, Variant>> {};

TEST_P(GoldenStages, equal_the_published_implementation) {
  const at::NoGradGuard no_gradients;
  const auto& [golden, variant] = GetParam();
  std::optional<Stages> stages;
  try {
    stages.emplace(golden, variant);
  } catch (const core::Error& error) {
    if (error.code() == core::ErrorCode::Device) GTEST_SKIP() << error.what();
    throw;
  }
  if (const auto dropped = stages->tokens_dropped()) GTEST_SKIP() << *dropped;
  stages->check_pixels();
  stages->check_image_tokens();
  stages->check_regions();
  stages->check_language();
  stages->check_masks();
  stages->check_that_all_was_compared();
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenStages,
                         testing::Combine(testing::ValuesIn(golden_cases()), testing::ValuesIn(kVariants)),
                         [](const auto& info) {
                           return test_name_of(std::get<0>(info.param).name + "_" +
                                               std::get<1>(info.param).name);
                         });

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GoldenStages);

}  // namespace medplib::test
