#include "base/files.h"
#include "train/small_training.h"
#include "train/validation.h"
#include "weights/safetensors.h"

#include <medplib/core/model.h>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <sstream>

namespace medplib::core {
namespace {

namespace fs = std::filesystem;
using test::SmallTraining;

TrainOptions validating(const fs::path& out, std::vector<std::string> more = {}) {
  TrainOptions options;
  options.out = out;
  options.overrides = {"validate=train.json", "validate_every=2"};
  options.overrides.insert(options.overrides.end(), more.begin(), more.end());
  return options;
}

std::vector<Json> validations_in(const fs::path& log) {
  std::istringstream lines(read_file(log));
  std::vector<Json> found;
  for (std::string line; std::getline(lines, line);)
    if (const Json json = Json::parse(line); json.contains("validation")) found.push_back(json);
  return found;
}

TEST(Validation, the_weights_are_the_same_with_and_without_it) {
  const SmallTraining small;
  TrainOptions without;
  without.out = small.folder() / "without";
  train(small.recipe(), without);
  train(small.recipe(), validating(small.folder() / "with"));
  const SafetensorsFile a = SafetensorsFile::open(small.folder() / "without/checkpoint.safetensors"),
                        b = SafetensorsFile::open(small.folder() / "with/checkpoint.safetensors");
  ASSERT_EQ(a.entries().size(), b.entries().size());
  for (const auto& [name, entry] : a.entries())
    EXPECT_TRUE(at::equal(a.tensor(name), b.tensor(name))) << name;
}

TEST(Validation, figures_overlays_and_the_best_model_are_left) {
  const SmallTraining small;
  TrainOptions options = validating(small.folder() / "out");
  std::vector<TrainValidation> told;
  options.on_validation = [&](const TrainValidation& validation) { told.push_back(validation); };
  train(small.recipe(), options);

  const std::vector<Json> logged = validations_in(small.folder() / "out/log.jsonl");
  ASSERT_EQ(logged.size(), 2U);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_TRUE(told[0].best) << "the first is the best so far";
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(logged[i]["step"], told[i].step);
    EXPECT_EQ(logged[i]["validation"]["giou"], told[i].giou);
    EXPECT_EQ(told[i].masks, 3);
    EXPECT_EQ(told[i].giou, 0) << "it would not say <SEG> yet: a mask drawn from there counts as empty";
    EXPECT_GT(told[i].answer_tokens, 9);
    EXPECT_NEAR(told[i].cross_entropy, std::log(779.0), 2) << "it has learnt next to nothing";
  }
  for (const char* name : {"image1-step0000002.png", "image3-step0000004.png"})
    EXPECT_EQ(Image::read(small.folder() / "out/validation" / name).width(), 32);
  EXPECT_NO_THROW(Model::load(small.folder() / "out/best"));
}

// Of each of the three pictures: its tokens, a <SEG>, a region.
TEST(Validation, which_experts_tokens_took_is_told_by_the_kind_of_token) {
  const SmallTraining small;
  train(small.recipe(), validating(small.folder() / "out", {"expert_capacity=0.5"}));
  const std::vector<Json> logged = validations_in(small.folder() / "out/log.jsonl");
  ASSERT_FALSE(logged.empty());
  for (const Json& line : logged) {
    const Json& routing = line["validation"]["routing"];
    const auto tokens = [&](const char* kind) {
      const auto layers = routing.at(kind).get<ExpertCounts>();
      EXPECT_EQ(layers.size(), 1U);
      EXPECT_EQ(layers.front().size(), 2U);
      return layers.front()[0] + layers.front()[1];
    };
    EXPECT_EQ(tokens("image"), 3 * ModelConfig::from_json(SmallTraining::config(), "").image_tokens());
    EXPECT_EQ(tokens("region"), 3);
    EXPECT_EQ(tokens("seg"), 3);
    EXPECT_GT(tokens("question"), tokens("answer"));
    EXPECT_GE(tokens("answer"), line["validation"]["answer_tokens"].get<std::int64_t>() - 3);
  }
}

TEST(Validation, the_best_model_is_that_of_the_best_look) {
  const SmallTraining small;
  // So fast that after a while it forgets.
  TrainOptions options = validating(
      small.folder() / "out",
      {"objective=grounding", "steps=60", "validate_every=10", "learning_rate=0.05", "average=0.5"});
  const fs::path weights = options.out / "best/model.safetensors";
  double highest = -1, last = -1;
  std::string best;
  options.on_validation = [&](const TrainValidation& validation) {
    last = validation.giou;
    if (last > highest) best = sha256_of_file(weights);
    highest = std::max(highest, last);
    EXPECT_EQ(sha256_of_file(weights), best) << "step " << validation.step;
  };
  train(small.recipe(), options);
  EXPECT_LT(last, highest) << "the last look must not be the best, or nothing was tested";
  EXPECT_NE(sha256_of_file(options.out / "model/model.safetensors"), best);
}

TEST(Validation, a_structure_that_is_learnt_gains_overlap) {
  const SmallTraining small;
  TrainOptions options = validating(
      small.folder() / "out",
      {"objective=grounding", "steps=150", "validate_every=75", "learning_rate=0.01", "average=0.9"});
  std::vector<TrainValidation> told;
  options.on_validation = [&](const TrainValidation& validation) { told.push_back(validation); };
  train(small.recipe(), options);
  EXPECT_GT(told.back().giou, 0.6);
  EXPECT_GT(told.back().dice, told.back().giou);
  EXPECT_EQ(told.back().answer_tokens, 0) << "nobody answers with this objective";
}

TEST(Validation, a_training_stopped_while_it_is_judged_goes_on_and_remembers_the_best) {
  const SmallTraining small;
  train(small.recipe(), validating(small.folder() / "whole", {"steps=8", "validate_every=1"}));
  std::atomic<bool> stop = false;
  TrainOptions options = validating(small.folder() / "parts", {"steps=8", "validate_every=1"});
  std::vector<bool> best;
  options.on_validation = [&](const TrainValidation& validation) { best.push_back(validation.best); };
  options.stop = &stop;
  options.resume = true;
  for (const int stopped : {5, 8}) {  // while that step's weights are judged
    options.on_step = [&](const TrainProgress& progress) { stop = progress.step == stopped; };
    EXPECT_THROW(train(small.recipe(), options), Error);
    EXPECT_EQ(std::ssize(validations_in(small.folder() / "parts/log.jsonl")), stopped - 1);
    stop = false;
  }
  train(small.recipe(), options);
  const auto whole = validations_in(small.folder() / "whole/log.jsonl");
  EXPECT_EQ(whole, validations_in(small.folder() / "parts/log.jsonl"));
  double highest = -1;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const double giou = whole[i]["validation"]["giou"];
    EXPECT_EQ(best[i], giou > highest) << "step " << i + 1;
    highest = std::max(highest, giou);
  }
}

TEST(Validation, a_best_model_that_was_deleted_is_made_again) {
  const SmallTraining small;
  std::atomic<bool> stop = false;
  TrainOptions options = validating(small.folder() / "out", {"steps=4", "validate_every=1"});
  options.stop = &stop;
  options.on_step = [&](const TrainProgress& progress) { stop = progress.step == 3; };
  EXPECT_THROW(train(small.recipe(), options), Error);
  fs::remove_all(options.out / "best");
  stop = false;
  options.resume = true;
  train(small.recipe(), options);
  EXPECT_NO_THROW(Model::load(options.out / "best"));
}

TEST(Validation, samples_are_taken_evenly_of_each_kind) {
  const SmallTraining small;
  Recipe recipe = Recipe::read(small.recipe(), {"validate=train.json", "validate_samples=1"});
  std::size_t with_masks = 0, without = 0;
  const FolderFacts model(small.folder() / "model");
  for (const auto& image : validation_records(recipe, {}, model))
    for (const auto& record : image.records) ++(record.masks.empty() ? without : with_masks);
  EXPECT_EQ(with_masks, 1U);
  EXPECT_EQ(without, 1U);
}

TEST(Validation, without_a_structure_that_is_taught_there_is_nothing_to_judge_by) {
  const SmallTraining small;
  Json records = read_json(small.folder() / "train.json");
  for (auto& record : records) record["structure"] = "ring";
  write_file(small.folder() / "validate.json", records.dump());
  TrainOptions options;
  options.out = small.folder() / "out";
  options.overrides = {"objective=grounding", "validate=validate.json"};
  try {
    train(small.recipe(), options);
    FAIL() << "there is no mask of a disc";
  } catch (const Error& error) {
    EXPECT_EQ(error.subject(), Subject::Data);
    EXPECT_NE(std::string(error.what()).find("validate.json"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace medplib::core
