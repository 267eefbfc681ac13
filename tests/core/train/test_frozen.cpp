#include "train/feature_cache.h"
#include "train/setup.h"
#include "train/small_training.h"
#include "weights/safetensors.h"

#include <medplib/core/train.h>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace medplib::core {
namespace {

namespace fs = std::filesystem;
using test::SmallTraining;

const std::vector<std::string> kBothTowers{"augment=false", R"(freeze=["clip", "sam.encoder"])"};

// A file of what a training with these changes to its recipe leaves in the folder `out`.
SafetensorsFile left_by(const SmallTraining& small, const char* out,
                        const std::vector<std::string>& overrides, const char* file) {
  TrainOptions options;
  options.out = small.folder() / out;
  options.overrides = overrides;
  train(small.recipe(), options);
  return SafetensorsFile::open(options.out / file);
}

TEST(Freeze, what_is_frozen_stands_still_and_all_else_is_taught) {
  const SmallTraining small;
  const SafetensorsFile file = left_by(small, "out", kBothTowers, "checkpoint.safetensors");
  for (const auto& [name, entry] : file.entries()) {
    if (name.find(":clip.") == std::string::npos && name.find(":sam.encoder.") == std::string::npos) continue;
    EXPECT_TRUE(name.starts_with("held:")) << name;
  }
  EXPECT_TRUE(file.entries().contains("value:sam.decoder.iou_token"));
  EXPECT_TRUE(file.entries().contains("value:language.embed.weight"));
}

TEST(Freeze, what_stood_still_is_handed_on_to_the_next_training) {
  const SmallTraining small;
  const char* model = "model/model.safetensors";
  const auto first = left_by(small, "first", kBothTowers, model);
  const auto second =
      left_by(small, "second", {"seed=2", "steps=1", "learning_rate=0", R"(start=["first"])"}, model);
  for (const auto& [name, entry] : first.entries())
    EXPECT_TRUE(at::equal(first.tensor(name), second.tensor(name))) << name;
}

TEST(Freeze, what_is_not_there_is_refused_with_the_parts_that_are) {
  const SmallTraining small;
  for (const char* wrong : {"sam.enc", "vision"}) {
    try {
      TrainingSetup setup(small.recipe(), {text_of(R"(freeze=[")", wrong, R"("])")});
      FAIL() << "there is no " << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Format);
      EXPECT_EQ(error.subject(), Subject::Data);
      EXPECT_NE(std::string(error.what()).find(wrong), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("sam.encoder, sam.prompt, sam.decoder"), std::string::npos)
          << error.what();
    }
  }
  EXPECT_THROW(TrainingSetup(small.recipe(), {"objective=grounding", R"(freeze=["sam", "training"])"}), Error)
      << "nothing is left";
}

// Losses and gradients of a batch.
std::map<std::string, at::Tensor> learnt(TrainingSetup& setup, const TrainingParts& parts,
                                         const Batch& batch) {
  const Trainee trainee{.network = setup.network,
                        .parts = parts,
                        .recipe = setup.recipe,
                        .geometry = setup.facts.manifest.mask_geometry,
                        .seg_token = setup.facts.tokenizer.added("<SEG>")};
  std::map<std::string, at::Tensor> result{{"total", backward(trainee, batch, /*seed=*/5).total}};
  for (const auto& [name, value] : setup.parameters.trained()) {
    if (value.grad().defined()) result[name] = value.grad().clone();
    value.mutable_grad() = at::Tensor();
  }
  return result;
}

void expect_kept_features_to_teach_the_same(const std::string& accumulate) {
  const SmallTraining small;
  std::vector<std::string> overrides = kBothTowers;
  overrides.push_back(accumulate);
  TrainingSetup setup(small.recipe(), overrides);
  ASSERT_NE(setup.parts.clip_cache, nullptr);
  ASSERT_NE(setup.parts.sam_cache, nullptr);
  const Batch batch = setup.batches.batch(0);
  const auto seen = learnt(setup, setup.parts, batch), kept = learnt(setup, setup.parts, batch);
  TrainingParts without = setup.parts;
  without.clip_cache = without.sam_cache = nullptr;
  const auto together = learnt(setup, without, batch);
  ASSERT_EQ(seen.size(), together.size());
  for (const auto& [name, value] : seen) {
    EXPECT_TRUE(at::equal(value, kept.at(name))) << name;
    EXPECT_TRUE(at::allclose(value, together.at(name), 1e-4, 1e-5)) << name;
  }
}

TEST(Freeze, kept_features_teach_what_features_seen_anew_teach) {
  expect_kept_features_to_teach_the_same("accumulate=1");
}

TEST(Freeze, kept_features_serve_a_batch_in_parts) { expect_kept_features_to_teach_the_same("accumulate=2"); }

TEST(Freeze, features_are_kept_where_they_cannot_change_alone) {
  const SmallTraining small;
  const TrainingSetup augmented(small.recipe(), {R"(freeze=["clip"])"});
  EXPECT_EQ(augmented.parts.clip_cache, nullptr) << "every view is another picture";
  const TrainingSetup partly(small.recipe(), {"augment=false", R"(freeze=["clip.layers.0"])"});
  EXPECT_EQ(partly.parts.clip_cache, nullptr) << "the rest of the tower learns";
  const TrainingSetup one(small.recipe(), {"augment=false", R"(freeze=["clip"])"});
  EXPECT_NE(one.parts.clip_cache, nullptr);
  EXPECT_EQ(one.parts.sam_cache, nullptr);
}

// Kept features are gone then: the weights must not show it.
TEST(Freeze, a_training_stopped_and_resumed_ends_with_the_same_weights) {
  const SmallTraining small;
  TrainOptions options;
  options.overrides = kBothTowers;
  options.overrides.push_back("steps=6");
  options.out = small.folder() / "whole";
  train(small.recipe(), options);

  std::atomic<bool> stop = false;
  options.out = small.folder() / "parts";
  options.stop = &stop;
  options.on_step = [&](const TrainProgress& progress) { stop = progress.step == 3; };
  EXPECT_THROW(train(small.recipe(), options), Error);
  options.stop = nullptr;
  options.resume = true;
  train(small.recipe(), options);
  const SafetensorsFile a = SafetensorsFile::open(small.folder() / "whole/checkpoint.safetensors"),
                        b = SafetensorsFile::open(small.folder() / "parts/checkpoint.safetensors");
  for (const auto& [name, entry] : a.entries())
    EXPECT_TRUE(at::equal(a.tensor(name), b.tensor(name))) << name;
}

TEST(FeatureCache, pictures_of_the_same_content_are_seen_once_while_there_is_room) {
  FeatureCache cache(2 * 8 * sizeof(float));
  int seen = 0;
  const auto get = [&](double content) {
    return cache.get(at::full({3, 2, 2}, content), [&] {
      ++seen;
      return FeatureCache::Features{at::full({8}, content)};
    });
  };
  get(1), get(2), get(1);
  EXPECT_EQ(seen, 2);
  EXPECT_TRUE(at::equal(get(2)[0], at::full({8}, 2.0)));
  get(3);  // takes the room of 1, the oldest
  get(2);
  EXPECT_EQ(seen, 3);
  get(1);
  EXPECT_EQ(seen, 4);
}

}  // namespace
}  // namespace medplib::core
