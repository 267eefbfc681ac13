// A mixture of experts that is made of dense models.
#include "nn/network.h"
#include "support/thrown.h"
#include "train/small_training.h"
#include "weights/names.h"
#include "weights/sources.h"

#include <medplib/core/experts.h>
#include <medplib/core/model.h>
#include <medplib/core/session.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

namespace medplib::test {
namespace {

namespace fs = std::filesystem;
using core::ErrorCode;
using core::Storage;

// Three dense models that differ in all weights, each in another storage, and a place for what is made of
// them.
class JoinedExperts : public testing::Test {
 protected:
  void SetUp() override {
    make("first", 1, Storage::Float32);
    make("second", 2, Storage::Int8);
    make("third", 3, Storage::BFloat16);
  }

  static core::Json dense_config() {
    core::Json config = SmallTraining::config();
    config.erase("moe");
    return config;
  }

  void make(const std::string& name, std::uint64_t seed, Storage storage,
            const core::Json& config = dense_config()) const {
    core::FreshParameters weights(seed);
    const core::Network network(weights, core::ModelConfig::from_json(config, "a test's"));
    core::save_checkpoint(folder_ / name, weights.all(), storage);
    core::write_file(folder_ / name / "config.json", config.dump());
    for (const char* file : {"tokenizer.model", "added_tokens.json"})
      fs::copy_file(small_.folder() / "model" / file, folder_ / name / file);
    const core::Json manifest{{"format_version", 1},
                              {"licence", name == "third" ? "Apache-2.0" : "MIT"},
                              {"mask_geometry", "centered"},
                              {"trained_on", {"common", "only " + name}}};
    core::write_file(folder_ / name / "medplib.json", manifest.dump());
  }

  core::ExpertsOptions of(const std::vector<std::string>& names) const {
    core::ExpertsOptions options;
    for (const auto& name : names) options.from.push_back(folder_ / name);
    options.out = folder_ / "moe";
    return options;
  }

  std::map<std::string, at::Tensor> tensors_of(const std::string& name) const {
    const auto file = core::SafetensorsFile::open(folder_ / name / "model.safetensors");
    std::map<std::string, at::Tensor> tensors;
    for (const auto& [tensor, entry] : file.entries()) tensors[tensor] = file.tensor(tensor);
    return tensors;
  }

  // Nothing but the three.
  void expect_nothing_left() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      names.push_back(entry.path().filename().string());
    EXPECT_THAT(names, testing::UnorderedElementsAre("first", "second", "third"));
  }

  void expect_refused(const core::ExpertsOptions& options, ErrorCode code, const std::string& saying) const {
    const Thrown thrown = thrown_by([&] { core::join_experts(options); });
    EXPECT_EQ(thrown.code, code) << thrown.sentence;
    EXPECT_THAT(thrown.sentence, testing::HasSubstr(saying));
    EXPECT_LE(thrown.sentence.size(), core::kLongestMessage);
    EXPECT_FALSE(fs::exists(folder_ / "moe"));
  }

  SmallTraining small_;
  TemporaryFolder folder_;
};

// To the bit and in the storage that they had; a name beside "experts" is the rest's.
TEST_F(JoinedExperts, each_weight_is_that_of_the_model_that_was_named_for_it) {
  core::join_experts(of({"first", "second", "third"}));
  const std::map<std::string, at::Tensor> made = tensors_of("moe");
  const std::vector sources{tensors_of("first"), tensors_of("second"), tensors_of("third")};
  const std::string marker = ".deepspeed_moe.experts.deepspeed_experts.";
  std::size_t of_experts = 0, routers = 0;
  for (const auto& [name, tensor] : made) {
    if (name.ends_with("deepspeed_moe.gate.wg.weight")) {
      EXPECT_EQ(tensor.scalar_type(), at::kFloat);
      EXPECT_EQ(tensor.sizes(), (at::IntArrayRef{3, 32}));
      ++routers;
      continue;
    }
    const std::size_t found = name.find(marker);
    std::size_t source = 2;
    std::string dense = name;
    if (found != std::string::npos) {
      source = static_cast<std::size_t>(name.at(found + marker.size()) - '0');
      dense = name.substr(0, found) + name.substr(found + marker.size() + 1);
      ++of_experts;
    }
    const at::Tensor& wanted = sources.at(source).at(dense);
    EXPECT_EQ(tensor.scalar_type(), wanted.scalar_type()) << name;
    EXPECT_TRUE(at::equal(tensor, wanted)) << name;
  }
  EXPECT_EQ(routers, 2U);
  EXPECT_EQ(of_experts, 2U * 3U * (3U + 1U)) << "of two layers; int8 has scales";
  // All else, the dense feed-forward parts apart, is there.
  EXPECT_EQ(made.size(), sources[2].size() - 2U * 3U + of_experts + routers);
}

TEST_F(JoinedExperts, the_rest_may_be_of_another_model_and_layers_may_stay_dense) {
  core::ExpertsOptions options = of({"first", "third"});
  options.rest = folder_ / "second";
  options.layers = {1};
  core::join_experts(options);
  const std::map<std::string, at::Tensor> made = tensors_of("moe"), rest = tensors_of("second");
  for (const char* name :
       {"lm_head.weight", "model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.gate_proj.weight_scale",
        "model.layers.1.self_attn.q_proj.weight"})
    EXPECT_TRUE(at::equal(made.at(name), rest.at(name))) << name;
  EXPECT_FALSE(made.contains("model.layers.1.mlp.gate_proj.weight"));
  EXPECT_EQ(core::inspect(folder_ / "moe").experts, (std::vector<std::int64_t>{0, 2}));
}

TEST_F(JoinedExperts, what_is_made_verifies_and_answers) {
  core::join_experts(of({"first", "second"}));
  const core::Verification found = core::verify(folder_ / "moe");
  EXPECT_THAT(found.problems, testing::IsEmpty());
  EXPECT_TRUE(found.has_hashes);
  const core::ModelInfo info = core::inspect(folder_ / "moe");
  EXPECT_EQ(info.stage, core::kJoinedExperts);
  EXPECT_EQ(info.licence, "MIT");
  EXPECT_EQ(info.trained_on, (std::vector<std::string>{"common", "only second", "only first"}));
  core::Session session(core::Model::load(folder_ / "moe", {.device = "cpu"}));
  session.set_image(core::Image::read(small_.folder() / "images/0.png"));
  const core::Answer answer = session.ask("What is this?", {.max_new_tokens = 2});
  EXPECT_EQ(answer.routing.size(), 2U);
  EXPECT_EQ(answer.routing.front().size(), 2U);
}

TEST_F(JoinedExperts, the_router_is_its_seeds) {
  const auto router = [&](std::uint64_t seed) {
    core::ExpertsOptions options = of({"first", "second"});
    options.seed = seed;
    options.out = folder_ / ("seed" + std::to_string(seed));
    core::join_experts(options);
    return tensors_of(options.out.filename()).at("model.layers.0.mlp.deepspeed_moe.gate.wg.weight").clone();
  };
  const at::Tensor one = router(1), two = router(2);
  EXPECT_FALSE(at::equal(one, two));
  fs::remove_all(folder_ / "seed1");
  EXPECT_TRUE(at::equal(one, router(1)));
}

// As the dense model does, but that each token's feed-forward part is weighted by its probability.
TEST_F(JoinedExperts, two_equal_experts_give_their_common_answer_times_the_probability) {
  core::join_experts(of({"first", "first"}));
  core::Checkpoint mixed(folder_ / "moe"), dense(folder_ / "first");
  core::LanguageConfig config = core::ModelConfig::read(folder_ / "moe/config.json").language;
  const core::Moe moe(core::Scope(mixed, "language.layers.0.moe"), config, 2);
  const core::SwiGlu ffn(core::Scope(dense, "language.layers.0.ffn"), config.hidden, config.ffn);
  at::manual_seed(4);
  const at::Tensor x = at::randn({2, 7, config.hidden});
  core::Routing routing;
  const at::Tensor got = moe(x, &routing), wanted = routing.weights.view({2, 7, 1}) * ffn(x);
  EXPECT_TRUE(at::allclose(got, wanted, 1e-5, 1e-6));
  EXPECT_LT(routing.weights.max().item<double>(), 1);
}

TEST_F(JoinedExperts, models_that_do_not_fit_together_are_refused_with_what_differs) {
  core::Json config = dense_config();
  config["intermediate_size"] = 40;
  config["num_hidden_layers"] = 1;
  make("other", 4, Storage::Float32, config);
  expect_refused(of({"first", "other"}), ErrorCode::Format,
                 "intermediate_size is 48 and 40, num_hidden_layers is 2 and 1");
  make("mixed", 4, Storage::Float32, SmallTraining::config());
  expect_refused(of({"first", "mixed"}), ErrorCode::Format, "has experts already");
  expect_refused(of({"mixed", "first"}), ErrorCode::Format, "has experts already");
  make("wordy", 5, Storage::Float32);
  core::Json tokens = core::read_json(folder_ / "wordy/added_tokens.json");
  std::swap(tokens["<ref>"], tokens["</ref>"]);
  core::write_file(folder_ / "wordy/added_tokens.json", tokens.dump());
  expect_refused(of({"first", "wordy"}), ErrorCode::Format, "tokenizers that differ");
}

TEST_F(JoinedExperts, wrong_uses_are_refused_and_leave_nothing) {
  expect_refused(of({"first"}), ErrorCode::InvalidArgument, "two models or more; 1 is named");
  expect_refused(of({"first", "none"}), ErrorCode::NotFound, "none");
  core::ExpertsOptions options = of({"first", "second"});
  options.layers = {0, 2};
  expect_refused(options, ErrorCode::InvalidArgument, "There is no layer 2: the models have 2 layers");
  options.layers = {1, 1};
  expect_refused(options, ErrorCode::InvalidArgument, "Layer 1 is named twice");
  expect_nothing_left();
}

TEST_F(JoinedExperts, damaged_weights_are_refused_before_anything_is_written) {
  fs::resize_file(folder_ / "second/model.safetensors", 5000);
  expect_refused(of({"first", "second"}), ErrorCode::Format, "second");
  expect_nothing_left();
}

TEST_F(JoinedExperts, what_stands_at_the_place_of_the_result_stays) {
  for (const char* name : {"moe", "moe/"}) {
    core::ExpertsOptions options = of({"first", "second"});
    options.out = folder_ / name;
    fs::create_directories(folder_ / "moe");
    core::write_file(folder_ / "moe/mine", "dear");
    EXPECT_EQ(thrown_by([&] { core::join_experts(options); }).code, ErrorCode::State);
    EXPECT_EQ(core::read_file(folder_ / "moe/mine"), "dear");
  }
}

TEST_F(JoinedExperts, a_slash_behind_the_folder_means_the_same) {
  core::ExpertsOptions options = of({"first", "second"});
  options.out = folder_ / "moe/";
  core::join_experts(options);
  EXPECT_THAT(core::verify(folder_ / "moe").problems, testing::IsEmpty());
}

TEST_F(JoinedExperts, one_that_is_stopped_leaves_nothing) {
  core::ExpertsOptions options = of({"first", "second"});
  int calls = 0;
  options.between = [&](double) { ++calls; };
  core::join_experts(options);
  fs::remove_all(folder_ / "moe");
  for (int last : {1, calls / 2, calls}) {
    options.between = [&](double) {
      if (--last == 0) core::fail(ErrorCode::Cancelled, "Enough.");
    };
    EXPECT_EQ(thrown_by([&] { core::join_experts(options); }).code, ErrorCode::Cancelled);
    expect_nothing_left();
  }
}

}  // namespace
}  // namespace medplib::test
