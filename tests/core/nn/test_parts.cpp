// Parts of the network in the sizes and kinds that a configuration may ask for.
#include "nn/clip.h"
#include "nn/language.h"
#include "nn/network.h"
#include "nn/projector.h"
#include "weights/sources.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace medplib::core {
namespace {

std::map<std::string, at::Tensor> by_name(const FreshParameters& parameters) {
  return {parameters.all().begin(), parameters.all().end()};
}

class ProjectorOf : public testing::TestWithParam<const char*> {};

TEST_P(ProjectorOf, is_its_linear_layers_with_gelu_between_them) {
  const c10::NoGradGuard no_grad;
  const std::string type = GetParam();
  ModelConfig config;
  config.projector = type;
  config.clip.hidden = 6;
  config.language.hidden = type == "identity" ? 6 : 10;
  FreshParameters parameters(1);
  const Projector projector(Scope(parameters, "projector"), config);
  const auto named = by_name(parameters);
  at::manual_seed(2);
  const at::Tensor features = at::randn({2, 9, 6});
  at::Tensor expected = features;
  if (type == "linear")
    expected = at::linear(features, named.at("projector.linear.weight"), named.at("projector.linear.bias"));
  if (type.starts_with("mlp"))
    for (int i = 0; i < type[3] - '0'; ++i) {
      const std::string layer = "projector.layers." + std::to_string(2 * i);
      expected = at::linear(i == 0 ? expected : at::gelu(expected), named.at(layer + ".weight"),
                            named.at(layer + ".bias"));
    }
  EXPECT_TRUE(at::allclose(projector(features), expected, 1e-5, 1e-6));
}

INSTANTIATE_TEST_SUITE_P(Types, ProjectorOf,
                         testing::Values("linear", "identity", "mlp1x_gelu", "mlp2x_gelu", "mlp3x_gelu"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Projector, pools_neighbouring_tokens_before_its_layers) {
  const c10::NoGradGuard no_grad;
  ModelConfig config;
  config.projector = "identity";
  config.clip.hidden = config.language.hidden = 1;
  config.token_pooling = 2;
  FreshParameters parameters(1);
  const Projector projector(Scope(parameters, "projector"), config);
  const at::Tensor features = at::arange(16, at::kFloat).view({1, 16, 1});  // a grid of 4 × 4, row by row
  EXPECT_TRUE(at::equal(projector(features).flatten(), at::tensor({2.5F, 4.5F, 10.5F, 12.5F})));
}

// Hidden state 0 goes into the first layer, the last one comes out of the last.
TEST(Clip, any_hidden_state_can_be_selected) {
  const c10::NoGradGuard no_grad;
  ClipConfig config;
  config.image_size = 16;
  config.patch = 4;
  config.hidden = 8;
  config.ffn = 16;
  config.layers = 3;
  config.heads = 2;
  at::manual_seed(3);
  const at::Tensor pixels = at::randn({1, 3, 16, 16});
  const auto selected = [&](std::int64_t layer, std::vector<at::Tensor>* states) {
    config.select_layer = layer;
    FreshParameters parameters(4);
    const Clip clip(Scope(parameters, "clip"), config);
    const Tap tap = [&](std::string_view, const at::Tensor& x) { states->push_back(x.narrow(1, 1, 16)); };
    return clip(pixels, states != nullptr ? tap : Tap{});
  };
  std::vector<at::Tensor> states;
  states.push_back(selected(3, &states));
  ASSERT_EQ(states.size(), 4U);
  for (std::int64_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(at::equal(selected(i, nullptr), states[static_cast<std::size_t>(i)])) << i;
    EXPECT_TRUE(at::equal(selected(i - 4, nullptr), states[static_cast<std::size_t>(i)])) << i - 4;
  }
}

// Prefill and single steps behind a cache give what the whole sequence gives at once.
TEST(Language, dense_and_expert_layers_can_be_mixed) {
  const c10::NoGradGuard no_grad;
  LanguageConfig config;
  config.hidden = 16;
  config.ffn = 24;
  config.layers = 4;
  config.heads = 2;
  config.vocabulary = 11;
  config.max_positions = 64;
  config.moe.layers = {1, 3};
  config.moe.experts = {2, 3};
  FreshParameters parameters(5);
  const Language language(Scope(parameters, "language"), config);
  const auto named = by_name(parameters);
  EXPECT_TRUE(named.contains("language.layers.0.ffn.gate.weight"));
  EXPECT_TRUE(named.contains("language.layers.1.moe.experts.1.gate.weight"));
  EXPECT_TRUE(named.contains("language.layers.3.moe.experts.2.gate.weight"));

  at::manual_seed(6);
  const std::int64_t length = 7;
  const at::Tensor embeddings = at::randn({1, length, config.hidden});
  const at::Tensor hidden = at::full({length, length}, -std::numeric_limits<float>::infinity()).triu(1);
  const LanguageOutput whole =
      language.forward(embeddings, at::arange(length).unsqueeze(0), hidden.view({1, 1, length, length}));
  ASSERT_EQ(whole.routings.size(), 2U);
  EXPECT_EQ(whole.routings[0].logits.size(1), 2);
  EXPECT_EQ(whole.routings[1].logits.size(1), 3);

  KvCache cache(config, length, at::TensorOptions().dtype(at::kFloat));
  at::Tensor steps = language.extend(embeddings.narrow(1, 0, 4), cache).hidden;
  for (std::int64_t t = 4; t < length; ++t)
    steps = at::cat({steps, language.extend(embeddings.narrow(1, t, 1), cache).hidden}, 1);
  EXPECT_TRUE(at::allclose(steps, whole.hidden, 1e-4, 1e-5));
}

// Remembers which parameters stay float32.
class ExactNames : public ParameterSource {
 public:
  at::Tensor take(const ParameterSpec& spec) override {
    (spec.float32 ? exact : others).insert(spec.name);
    return at::zeros({1}).expand(spec.shape);
  }
  std::set<std::string> exact, others;
};

TEST(Network, the_router_and_all_from_seg_to_the_mask_stay_float32) {
  ModelConfig config;
  config.language.layers = config.clip.layers = config.sam.depth = 1;
  config.language.moe = {.layers = {0}, .experts = {2}};
  ExactNames names;
  const Network network(names, config);
  const auto should = [](const std::string& name) {
    return name == "language.layers.0.moe.router.weight" || name.starts_with("seg_projection.") ||
           name.starts_with("sam.prompt.") || name.starts_with("sam.decoder.");
  };
  for (const auto& name : names.exact) EXPECT_TRUE(should(name)) << name;
  for (const auto& name : names.others) EXPECT_FALSE(should(name)) << name;
  EXPECT_FALSE(names.exact.empty());
}

}  // namespace
}  // namespace medplib::core
