// Points, box, mask and text through the prompt encoder and the mask decoder.
#include "model/device.h"
#include "support/golden_network.h"
#include "vision/pixels.h"

#include <medplib/core/error.h>

#include <ATen/core/grad_mode.h>

#include <optional>
#include <set>

namespace medplib::test {

namespace {

class MaskPrompts {
 public:
  explicit MaskPrompts(const Variant& variant)
      : variant_(variant),
        facts_(core::read_json(golden("sam_prompts/prompts.json"))),
        expected_(load_golden("sam_prompts/prompts.safetensors")),
        device_(core::open_device(variant.device)) {
    const auto folder = golden_model("ckpt/" + facts_.at("checkpoint").get<std::string>());
    const auto config = core::ModelConfig::read(folder / "config.json");
    network_ = load_network(folder, config, variant.dtype, device_);
    const auto image = core::Image::read(golden(facts_.at("image").get<std::string>()), kAsPublished);
    const at::Tensor pixels = core::sam_pixels(image.rgb(), config.sam).to(device_, variant.dtype);
    image_ = network_->sam_encoder(pixels.unsqueeze(0));
  }

  void check_that_all_was_compared() const {
    for (const auto& [name, value] : expected_) EXPECT_TRUE(read_.contains(name)) << name;
  }

  void check_image() {
    states("image_pe", network_->prompt_encoder.image_positions());
    states("sam_embedding", image_.embedding[0]);
  }

  // Like the named prompt, from which kinds it is made.
  void check(const std::string& name, const core::MaskPrompt& prompt) {
    const core::PromptEmbedding encoded = network_->prompt_encoder(prompt);
    states(name + ".sparse", encoded.sparse[0]);
    if (prompt.mask.defined()) states(name + ".dense", encoded.dense[0]);
    const auto multimask = facts_.at("multimask").at(name).get<bool>();
    const auto [low, iou] =
        network_->mask_decoder(image_, network_->prompt_encoder.image_positions(), encoded, multimask);
    expect_close(name + ".low_res_logits", low[0], expected(name + ".low_res_logits"),
                 variant_.tolerance.masks);
    expect_same_iou(name + ".iou", iou[0], expected(name + ".iou"), variant_);
  }

  at::Tensor points() const {
    std::vector<at::Tensor> rows;
    for (const auto& point : facts_.at("points_xy")) rows.push_back(numbers(point));
    return at::stack(rows);
  }
  at::Tensor labels() const {
    return at::tensor(facts_.at("labels").get<std::vector<std::int64_t>>(), at::kLong).to(device_);
  }
  at::Tensor box() const { return numbers(facts_.at("box_xyxy")); }
  at::Tensor mask() const { return expected_.at("points.low_res_logits").slice(0, 0, 1).to(device_); }
  at::Tensor text() { return expected("text").unsqueeze(0).to(device_); }

 private:
  at::Tensor numbers(const core::Json& json) const {
    return at::tensor(json.get<std::vector<double>>(), at::kFloat).to(device_);
  }
  const at::Tensor& expected(const std::string& name) {
    read_.insert(name);
    return expected_.at(name);
  }
  void states(const std::string& name, const at::Tensor& got) {
    if (expected_.contains(name))
      expect_close(name, got, expected(name), variant_.tolerance.states, variant_.tolerance.cosine);
  }

  const Variant& variant_;
  core::Json facts_;
  std::map<std::string, at::Tensor> expected_;
  std::set<std::string> read_;
  c10::Device device_;
  std::unique_ptr<core::Network> network_;
  core::ImageEmbedding image_;
};

}  // namespace

class GoldenMaskPrompts : public testing::TestWithParam<Variant> {};

TEST_P(GoldenMaskPrompts, equal_the_published_implementation) {
  const at::NoGradGuard no_gradients;
  std::optional<MaskPrompts> prompts;
  try {
    prompts.emplace(GetParam());
  } catch (const core::Error& error) {
    if (error.code() == core::ErrorCode::Device) GTEST_SKIP() << error.what();
    throw;
  }
  prompts->check_image();
  const at::Tensor points = prompts->points(), labels = prompts->labels(), box = prompts->box();
  prompts->check("points", {.points = points, .labels = labels, .box = {}, .text = {}, .mask = {}});
  prompts->check("box", {.points = {}, .labels = {}, .box = box, .text = {}, .mask = {}});
  prompts->check("points_box", {.points = points, .labels = labels, .box = box, .text = {}, .mask = {}});
  prompts->check("points_box_mask",
                 {.points = points, .labels = labels, .box = box, .text = {}, .mask = prompts->mask()});
  prompts->check("text_point", {.points = points.slice(0, 0, 1),
                                .labels = labels.slice(0, 0, 1),
                                .box = {},
                                .text = prompts->text(),
                                .mask = {}});
  prompts->check_that_all_was_compared();
}

INSTANTIATE_TEST_SUITE_P(Variants, GoldenMaskPrompts, testing::ValuesIn(kVariants),
                         [](const auto& info) { return info.param.name; });

}  // namespace medplib::test
