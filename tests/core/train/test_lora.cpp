#include "train/parameter_set.h"
#include "train/setup.h"
#include "train/small_training.h"
#include "weights/checkpoint.h"
#include "weights/safetensors.h"

#include <medplib/core/train.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medplib::core {
namespace {

namespace fs = std::filesystem;
using test::SmallTraining;

const char* kTargets =
    R"(lora_targets=["language.layers.*.attention.q", "language.layers.*.moe.experts.*.up"])";

const std::vector<std::string> kAdapters{kTargets, "lora_rank=4", "lora_dropout=0", "storage=float32"};

std::vector<std::string> with(std::vector<std::string> all, const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TrainOptions options_for(const SmallTraining& small, const char* out, std::vector<std::string> overrides) {
  TrainOptions options;
  options.out = small.folder() / out;
  options.overrides = std::move(overrides);
  return options;
}

// A model to start from, stored as it was trained.
void train_base(const SmallTraining& small) {
  train(small.recipe(), options_for(small, "base", {"storage=float32"}));
}

TEST(LoraTraining, only_adapters_and_what_is_named_are_trained) {
  const SmallTraining small;
  TrainingSetup setup(small.recipe(), kAdapters);
  std::vector<std::string> names;
  for (const auto& [name, value] : setup.parameters.trained())
    if (!name.starts_with("training.")) names.push_back(name);
  EXPECT_THAT(names,
              testing::UnorderedElementsAre(
                  "language.layers.0.attention.q.lora_a", "language.layers.0.attention.q.lora_b",
                  "language.layers.1.attention.q.lora_a", "language.layers.1.attention.q.lora_b",
                  "language.layers.1.moe.experts.0.up.lora_a", "language.layers.1.moe.experts.0.up.lora_b",
                  "language.layers.1.moe.experts.1.up.lora_a", "language.layers.1.moe.experts.1.up.lora_b"));
  EXPECT_EQ(setup.parameters.trained().front().second.sizes(), (at::IntArrayRef{4, 32}));
  TrainingSetup more(small.recipe(), with(kAdapters, {R"(teach=["language.head", "projector"])"}));
  std::size_t whole = 0;
  for (const auto& [name, value] : more.parameters.trained())
    if (name.starts_with("language.head") || name.starts_with("projector.")) ++whole;
  EXPECT_EQ(more.parameters.trained().size(), setup.parameters.trained().size() + whole);
  EXPECT_EQ(whole, 5U) << "the head, two layers with biases";
}

TEST(LoraTraining, an_adapter_changes_nothing_before_its_first_step) {
  const SmallTraining small;
  train_base(small);
  const std::string start = R"(start=["base/model"])";
  TrainingSetup plain(small.recipe(), {start}), adapted(small.recipe(), with(kAdapters, {start}));
  const Batch batch = plain.batches.batch(0);
  EXPECT_EQ(backward(plain.trainee(), batch, 1).total.item<double>(),
            backward(adapted.trainee(), batch, 1).total.item<double>());
}

// What was trained beside the weights is what the written model computes from its weights alone.
TEST(LoraTraining, the_model_that_is_written_answers_as_the_adapted_one) {
  const SmallTraining small;
  train_base(small);
  const auto run = with(kAdapters, {R"(start=["base/model"])", "learning_rate=0.05", "average=0"});
  train(small.recipe(), options_for(small, "out", run));
  TrainingSetup adapted(small.recipe(), with(kAdapters, {R"(start=["base/model", "out"])"})),
      merged(small.recipe(), {R"(start=["out/model"])"}), base(small.recipe(), {R"(start=["base/model"])"});
  const Batch batch = base.batches.batch(0);
  const double with_adapters = backward(adapted.trainee(), batch, 1).total.item<double>(),
               in_one = backward(merged.trainee(), batch, 1).total.item<double>(),
               before = backward(base.trainee(), batch, 1).total.item<double>();
  EXPECT_NEAR(with_adapters, in_one, 1e-5 * before);
  EXPECT_GT(std::abs(with_adapters - before), 1e-3 * before) << "nothing was learnt";
}

TEST(LoraTraining, a_checkpoint_holds_only_what_changed) {
  const SmallTraining small;
  train_base(small);
  train(small.recipe(), options_for(small, "out", with(kAdapters, {R"(start=["base/model"])"})));
  const auto file = SafetensorsFile::open(small.folder() / "out/checkpoint.safetensors");
  for (const auto& [name, entry] : file.entries())
    EXPECT_TRUE(name.ends_with(".lora_a") || name.ends_with(".lora_b") || name == "steps" ||
                name.find(":training.") != std::string::npos)
        << name;
}

TEST(LoraTraining, dropout_is_drawn_anew_at_each_step_and_alike_after_a_resume) {
  const SmallTraining small;
  train_base(small);
  auto overrides = with(kAdapters, {R"(start=["base/model"])", "lora_dropout=0.5", "steps=4"});
  train(small.recipe(), options_for(small, "whole", overrides));
  std::atomic<bool> stop = false;
  TrainOptions options = options_for(small, "parts", overrides);
  options.stop = &stop;
  options.on_step = [&](const TrainProgress& progress) { stop = progress.step == 2; };
  EXPECT_THROW(train(small.recipe(), options), Error);
  options.stop = nullptr;
  options.resume = true;
  train(small.recipe(), options);
  overrides.emplace_back("lora_dropout=0");
  train(small.recipe(), options_for(small, "without", overrides));
  const auto whole = SafetensorsFile::open(small.folder() / "whole/checkpoint.safetensors"),
             parts = SafetensorsFile::open(small.folder() / "parts/checkpoint.safetensors"),
             without = SafetensorsFile::open(small.folder() / "without/checkpoint.safetensors");
  bool differs = false;
  for (const auto& [name, entry] : whole.entries()) {
    EXPECT_TRUE(at::equal(whole.tensor(name), parts.tensor(name))) << name;
    differs = differs || !at::equal(whole.tensor(name), without.tensor(name));
  }
  EXPECT_TRUE(differs);
}

TEST(LoraTraining, adapters_of_another_form_are_not_lost_in_silence) {
  const SmallTraining small;
  train_base(small);
  train(small.recipe(), options_for(small, "out", with(kAdapters, {R"(start=["base/model"])"})));
  for (const auto& other : {std::vector<std::string>{}, with(kAdapters, {"lora_rank=2"})}) {
    try {
      TrainingSetup(small.recipe(), with(other, {R"(start=["base/model", "out"])"}));
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Format);
      EXPECT_THAT(error.what(), testing::HasSubstr("out/model"));
    }
  }
}

TEST(LoraTraining, targets_that_are_no_layers_are_refused) {
  const SmallTraining small;
  for (const char* wrong : {"language.layers.7", "sam.decoder.iou_token", "nothing"}) {
    try {
      TrainingSetup(small.recipe(), {text_of(R"(lora_targets=[")", wrong, R"("])")});
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(),
                  testing::AllOf(testing::HasSubstr("lora_targets"), testing::HasSubstr(wrong)));
    }
  }
}

TEST(Storage, of_a_written_model_is_what_the_recipe_says) {
  const SmallTraining small;
  for (const auto& [storage, type] : {std::pair("float32", at::kFloat), std::pair("bfloat16", at::kBFloat16),
                                      std::pair("int8", at::kChar)}) {
    train(small.recipe(), options_for(small, storage, {text_of("storage=", storage), "steps=1"}));
    const auto file = SafetensorsFile::open(small.folder() / storage / "model/model.safetensors");
    EXPECT_EQ(file.entries().at("model.layers.0.self_attn.q_proj.weight").dtype, type);
    EXPECT_EQ(file.entries().at("model.layers.1.mlp.deepspeed_moe.gate.wg.weight").dtype, at::kFloat);
  }
}

}  // namespace
}  // namespace medplib::core
