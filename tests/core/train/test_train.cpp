#include "base/files.h"
#include "base/json.h"
#include "support/thrown.h"
#include "text/tokenizer.h"
#include "train/optimizer.h"
#include "train/small_training.h"
#include "weights/safetensors.h"

#include <medplib/core/error.h>
#include <medplib/core/model.h>
#include <medplib/core/train.h>

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <regex>

namespace medplib::core {
namespace {

namespace fs = std::filesystem;
using test::SmallTraining;

TrainOptions options_for(const fs::path& out) {
  TrainOptions options;
  options.out = out;
  return options;
}

void expect_same_tensors(const fs::path& a, const fs::path& b) {
  const SafetensorsFile first = SafetensorsFile::open(a), second = SafetensorsFile::open(b);
  ASSERT_EQ(first.entries().size(), second.entries().size());
  for (const auto& [name, entry] : first.entries())
    EXPECT_TRUE(at::equal(first.tensor(name), second.tensor(name))) << name;
}

TEST(Train, a_training_stopped_and_resumed_ends_with_the_same_weights) {
  const SmallTraining small;
  train(small.recipe(), options_for(small.folder() / "whole"));

  std::atomic<bool> stop = false;
  TrainOptions options = options_for(small.folder() / "parts");
  options.stop = &stop;
  options.on_step = [&](const TrainProgress& progress) { stop = progress.step == 3; };
  try {
    train(small.recipe(), options);
    FAIL() << "it was told to stop";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Cancelled);
  }
  options.stop = nullptr;
  options.resume = true;
  train(small.recipe(), options);

  expect_same_tensors(small.folder() / "whole/checkpoint.safetensors",
                      small.folder() / "parts/checkpoint.safetensors");
  expect_same_tensors(small.folder() / "whole/model/model.safetensors",
                      small.folder() / "parts/model/model.safetensors");
}

TEST(Train, any_number_of_workers_gives_the_same_weights) {
  const SmallTraining small;
  for (const int workers : {0, 1, 3}) {
    TrainOptions options = options_for(small.folder() / std::to_string(workers));
    options.overrides = {"steps=8"};
    options.workers = workers;
    train(small.recipe(), options);
  }
  for (const char* workers : {"1", "3"})
    expect_same_tensors(small.folder() / "0/checkpoint.safetensors",
                        small.folder() / workers / "checkpoint.safetensors");
}

// As torch.autocast, torch.no_grad and torch.set_default_dtype are in a program around it.
TEST(Train, the_state_of_the_program_around_changes_no_weight) {
  const SmallTraining small;
  for (const char* precision : {"float32", "bfloat16"}) {
    TrainOptions options = options_for(small.folder() / (std::string("alone ") + precision));
    options.overrides = {std::string("precision=") + precision};
    options.workers = 0;  // on this thread
    train(small.recipe(), options);
    options.out = small.folder() / (std::string("within ") + precision);
    {
      const c10::NoGradGuard no_gradients;
      c10::set_default_dtype(caffe2::TypeMeta::Make<at::BFloat16>());
      at::autocast::set_autocast_enabled(at::kCPU, true);
      train(small.recipe(), options);
      EXPECT_TRUE(at::autocast::is_autocast_enabled(at::kCPU));
      EXPECT_EQ(c10::get_default_dtype(), caffe2::TypeMeta::Make<at::BFloat16>());
      at::autocast::set_autocast_enabled(at::kCPU, false);
      c10::set_default_dtype(caffe2::TypeMeta::Make<float>());
    }
    expect_same_tensors(small.folder() / (std::string("alone ") + precision) / "checkpoint.safetensors",
                        small.folder() / (std::string("within ") + precision) / "checkpoint.safetensors");
  }
}

TEST(Train, the_loss_falls_on_a_task_it_can_learn) {
  const SmallTraining small;
  TrainOptions options = options_for(small.folder() / "out");
  options.overrides = {"steps=60", "learning_rate=0.003", "checkpoint_every=60"};
  double first = 0, last = 0;
  options.on_step = [&](const TrainProgress& progress) {
    (progress.step == 1 ? first : last) = progress.loss;
  };
  train(small.recipe(), options);
  EXPECT_LT(last, 0.8 * first);
}

TEST(Train, in_bfloat16_the_loss_falls_and_the_weights_stay_float32) {
  const SmallTraining small;
  TrainOptions options = options_for(small.folder() / "out");
  options.overrides = {"precision=bfloat16", "steps=60", "learning_rate=0.003", "checkpoint_every=60"};
  double first = 0, last = 0;
  options.on_step = [&](const TrainProgress& progress) {
    (progress.step == 1 ? first : last) = progress.loss;
  };
  train(small.recipe(), options);
  EXPECT_LT(last, 0.8 * first);
  const SafetensorsFile checkpoint = SafetensorsFile::open(small.folder() / "out/checkpoint.safetensors");
  for (const auto& [name, entry] : checkpoint.entries()) EXPECT_EQ(entry.dtype, at::kFloat) << name;
}

TEST(Train, a_step_in_parts_gives_the_weights_of_a_whole_one) {
  const SmallTraining small;
  const auto run = [&](const char* out, const char* accumulate) {
    TrainOptions options = options_for(small.folder() / out);
    options.overrides = {"images_per_step=4", "router=0", "prompted=0", accumulate};
    train(small.recipe(), options);
  };
  run("whole", "accumulate=1");
  run("parts", "accumulate=3");
  const SafetensorsFile whole = SafetensorsFile::open(small.folder() / "whole/checkpoint.safetensors"),
                        parts = SafetensorsFile::open(small.folder() / "parts/checkpoint.safetensors");
  for (const auto& [name, entry] : whole.entries()) {
    // Nothing depends on a key's bias: its gradient is rounding alone, of which AdamW makes whole steps.
    if (!name.starts_with("value:") || name.ends_with(".k.bias")) continue;
    const double off = (whole.tensor(name) - parts.tensor(name)).abs().max().item<double>();
    EXPECT_LE(off, 1e-5) << name;
  }
}

// Averages of what a training changed, by parameter.
std::map<std::string, at::Tensor> taught(const fs::path& out) {
  const SafetensorsFile file = SafetensorsFile::open(out / "checkpoint.safetensors");
  std::map<std::string, at::Tensor> result;
  for (const auto& [name, entry] : file.entries())
    if (name.starts_with("value:")) result[name.substr(6)] = file.tensor("average:" + name.substr(6));
  return result;
}

// A picture's records once more, about another structure.
Json with_a_rare_structure(Json records) {
  Json rare = records[0];
  rare["id"] = "rare";
  rare["structure"] = "ring";
  rare["conversations"][0]["value"] = "<image>\nPlease segment the ring in this image.";
  records.push_back(rare);
  return records;
}

TEST(Train, drawing_and_answering_are_taught_apart_and_joined) {
  const SmallTraining small;
  const auto run = [&](const char* out, std::vector<std::string> overrides) {
    TrainOptions options = options_for(small.folder() / out);
    options.overrides = std::move(overrides);
    train(small.recipe(), options);
    return taught(small.folder() / out);
  };
  const auto draws = run("draws", {"objective=grounding"});
  const auto answers = run("answers", {"objective=language", "name_link=1", "seed=2", R"(start=["draws"])"});
  for (const auto& [name, value] : draws) EXPECT_FALSE(answers.contains(name)) << name << " is taught twice";
  EXPECT_TRUE(draws.contains("training.names.disc"));
  EXPECT_TRUE(draws.contains("sam.encoder.blocks.0.mlp.in.weight")) << "what draws";
  EXPECT_TRUE(answers.contains("language.embed.weight")) << "what answers";

  // Without steps to speak of, the joint training holds what the two before it learnt, whatever its seed.
  const auto joint = run("joint", {"learning_rate=0", "seed=3", R"(start=["draws", "answers"])"});
  for (const auto& [name, value] : joint) {
    const auto& from = draws.contains(name) ? draws : answers;
    EXPECT_TRUE(at::equal(value, from.at(name))) << name;
  }
  const auto first = SafetensorsFile::open(small.folder() / "draws/model/model.safetensors");
  for (const char* model : {"answers/model", "joint/model"}) {
    const auto last = SafetensorsFile::open(small.folder() / model / "model.safetensors");
    for (const auto& [name, entry] : first.entries()) {
      if (name.find("visual_model") == std::string::npos) continue;
      EXPECT_TRUE(at::equal(last.tensor(name), first.tensor(name))) << model << ": " << name;
    }
  }
}

TEST(Train, what_draws_and_what_answers_are_taught_the_same_names_whatever_their_seeds) {
  const SmallTraining small;
  write_file(small.folder() / "train.json",
             with_a_rare_structure(read_json(small.folder() / "train.json")).dump());
  const auto run = [&](const char* out, std::vector<std::string> overrides) {
    TrainOptions options = options_for(small.folder() / out);
    options.overrides = std::move(overrides);
    train(small.recipe(), options);
    return SafetensorsFile::open(small.folder() / out / "checkpoint.safetensors");
  };
  (void)run("first", {});
  const auto draws = run("draws", {"objective=grounding", "seed=2", R"(start=["first/model"])"});
  const auto again = run("again", {"objective=grounding", "seed=3", R"(start=["first/model"])"});
  const auto answers =
      run("answers", {"objective=language", "seed=4", "name_link=1", R"(start=["first/model", "draws"])"});
  const auto later = run("later", {"objective=grounding", R"(start=["answers"])"});
  for (const char* name : {"training.names.disc", "training.names.ring"}) {
    const at::Tensor vector = draws.tensor(std::string("average:") + name);
    EXPECT_TRUE(at::equal(again.tensor(std::string("average:") + name), vector)) << name;
    EXPECT_FALSE(answers.entries().contains(std::string("held:") + name)) << name << " is in \"draws\" still";
    EXPECT_TRUE(at::equal(later.tensor(std::string("average:") + name), vector)) << name;
  }
}

TEST(Train, what_a_training_started_from_must_be_there_as_it_was) {
  const SmallTraining small;
  const auto run = [&](const char* out, std::vector<std::string> overrides) {
    TrainOptions options = options_for(small.folder() / out);
    options.overrides = std::move(overrides);
    train(small.recipe(), options);
  };
  run("first", {});
  run("second", {R"(freeze=["clip"])", R"(start=["first"])"});
  const auto start_from_second = [&] {
    return test::thrown_by([&] { run("third", {"seed=5", R"(start=["second"])"}); });
  };
  fs::rename(small.folder() / "first", small.folder() / "elsewhere");
  EXPECT_EQ(start_from_second().code, ErrorCode::NotFound);
  EXPECT_THAT(start_from_second().sentence, testing::HasSubstr("second/model"));
  run("first", {"seed=9"});
  EXPECT_EQ(start_from_second().code, ErrorCode::Format);
  EXPECT_THAT(start_from_second().sentence, testing::HasSubstr("is not what it was"));
  run("third", {"seed=5", R"(start=["second/model"])"});
}

// Each picture's records once more, before them, with the name in capitals.
Json with_capitals_first(const Json& records) {
  Json list = Json::array();
  for (Json record : records) {
    if (record.value("structure", "").empty()) continue;
    record["id"] = "capitals";
    record["conversations"][0]["value"] = "<image>\nPlease segment the DISC in this image.";
    list.push_back(record);
  }
  for (const Json& record : records) list.push_back(record);
  return list;
}

TEST(Train, names_are_taken_from_what_is_said_for_them_as_the_data_writes_them) {
  const SmallTraining small;
  const Json records = read_json(small.folder() / "train.json");
  const auto name_learnt_from = [&](const char* out, const Json& data, const char* start) {
    write_file(small.folder() / "train.json", data.dump());
    TrainOptions options = options_for(small.folder() / out);
    options.overrides = {"objective=grounding", start};
    train(small.recipe(), options);
    return SafetensorsFile::open(small.folder() / out / "checkpoint.safetensors")
        .tensor("average:training.names.disc");
  };
  train(small.recipe(), options_for(small.folder() / "first"));
  const char* start = R"(start=["first/model"])";
  const at::Tensor plain = name_learnt_from("plain", records, start);
  EXPECT_TRUE(at::equal(name_learnt_from("capitals", with_capitals_first(records), start), plain));
}

TEST(Train, names_that_nobody_learnt_are_no_aim) {
  const SmallTraining small;
  TrainOptions options = options_for(small.folder() / "out");
  options.overrides = {"objective=language", "name_link=1"};
  EXPECT_THAT(test::thrown_by([&] { train(small.recipe(), options); }).sentence,
              testing::HasSubstr("\"name_link\""));
}

TEST(Train, a_training_goes_on_with_other_data) {
  const SmallTraining small;
  train(small.recipe(), options_for(small.folder() / "first"));
  write_file(small.folder() / "train.json",
             with_a_rare_structure(read_json(small.folder() / "train.json")).dump());
  TrainOptions options = options_for(small.folder() / "second");
  options.overrides = {R"(start=["first"])"};
  train(small.recipe(), options);
  EXPECT_TRUE(verify(small.folder() / "second/model").problems.empty());
}

TEST(Train, a_tokenizer_whose_added_tokens_are_in_its_configuration_is_handed_on) {
  const SmallTraining small;
  const auto model = small.folder() / "model";
  const Json added = read_json(model / "added_tokens.json");
  Json config;
  for (const auto& [content, id] : added.items())
    config["added_tokens_decoder"][id.dump()] = {{"content", content}};
  write_file(model / "tokenizer_config.json", config.dump());
  fs::remove(model / "added_tokens.json");
  train(small.recipe(), options_for(small.folder() / "out"));
  EXPECT_TRUE(verify(small.folder() / "out/model").problems.empty());
}

TEST(Train, a_training_starts_from_a_model) {
  const SmallTraining small;
  train(small.recipe(), options_for(small.folder() / "first"));
  TrainOptions options = options_for(small.folder() / "second");
  options.overrides = {"learning_rate=0", "weight_decay=0", "steps=1", R"(start=["first/model"])"};
  train(small.recipe(), options);
  expect_same_tensors(small.folder() / "first/model/model.safetensors",
                      small.folder() / "second/model/model.safetensors");
}

TEST(Train, a_model_learns_to_draw_better_with_the_words_that_it_has) {
  const SmallTraining small;
  train(small.recipe(), options_for(small.folder() / "first"));
  TrainOptions options = options_for(small.folder() / "second");
  options.overrides = {"objective=grounding", R"(start=["first/model"])"};
  train(small.recipe(), options);
  for (const auto& [name, value] : taught(small.folder() / "second"))
    EXPECT_TRUE(name.starts_with("sam.") || name.starts_with("training.sam.")) << name << " stands still";
}

TEST(Train, a_stop_is_heard_while_the_words_that_a_model_has_are_taken) {
  const SmallTraining small;
  train(small.recipe(), options_for(small.folder() / "first"));
  std::atomic<bool> stop = true;
  TrainOptions options = options_for(small.folder() / "second");
  options.overrides = {"objective=grounding", R"(start=["first/model"])"};
  options.stop = &stop;
  const fs::path checkpoint = options.out / "checkpoint.safetensors";
  EXPECT_EQ(test::thrown_by([&] { train(small.recipe(), options); }).code, ErrorCode::Cancelled);
  EXPECT_FALSE(fs::exists(checkpoint)) << "it went on to its steps";

  stop = false;
  train(small.recipe(), options);
  const std::string before = read_file(checkpoint);
  stop = true;
  options.resume = true;
  EXPECT_NO_THROW(train(small.recipe(), options)) << "it asks for words that the checkpoint holds";
  EXPECT_TRUE(read_file(checkpoint) == before) << "the steps that were done are lost";
}

TEST(Train, a_damaged_model_to_start_from_is_a_fault_of_the_model) {
  const SmallTraining small;
  train(small.recipe(), options_for(small.folder() / "first"));
  write_file(small.folder() / "first/model/model.safetensors", "cut off");
  TrainOptions options = options_for(small.folder() / "second");
  for (const auto& [start, subject] :
       {std::pair("first/model", Subject::Model), std::pair("nowhere", Subject::Data)}) {
    options.overrides = {text_of("start=[\"", start, "\"]")};
    try {
      train(small.recipe(), options);
      ADD_FAILURE() << start;
    } catch (const Error& error) {
      EXPECT_EQ(error.subject(), subject) << start;
    }
  }
}

TEST(Train, another_recipe_does_not_go_on_from_a_checkpoint) {
  const SmallTraining small;
  train(small.recipe(), options_for(small.folder() / "out"));
  TrainOptions options = options_for(small.folder() / "out");
  EXPECT_THROW(train(small.recipe(), options), Error) << "a checkpoint is not overwritten";
  options.resume = true;
  options.overrides = {"learning_rate=0.1"};
  try {
    train(small.recipe(), options);
    FAIL() << "the recipe differs";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::State);
    EXPECT_NE(std::string(error.what()).find("learning_rate is 0.1, was not given"), std::string::npos)
        << error.what();
  }
}

TEST(Train, the_same_recipe_in_other_words_goes_on) {
  const SmallTraining small;
  TrainOptions options = options_for(small.folder() / "out");
  options.overrides = {"average=0.5", "seed=3", "weight_decay=0.0"};
  train(small.recipe(), options);
  options.resume = true;
  options.overrides = {"weight_decay=0", "seed=3", "average=0.5"};
  EXPECT_NO_THROW(train(small.recipe(), options));
}

TEST(Train, other_records_do_not_go_on_from_a_checkpoint) {
  const SmallTraining small;
  TrainOptions options = options_for(small.folder() / "out");
  train(small.recipe(), options);
  write_file(small.folder() / "train.json",
             with_a_rare_structure(read_json(small.folder() / "train.json")).dump());
  options.resume = true;
  const auto thrown = test::thrown_by([&] { train(small.recipe(), options); });
  EXPECT_EQ(thrown.code, ErrorCode::State);
  EXPECT_THAT(thrown.sentence, testing::HasSubstr("names as train has changed"));
}

TEST(Train, an_unknown_key_of_a_recipe_is_named) {
  const SmallTraining small;
  TrainOptions options = options_for(small.folder() / "out");
  options.overrides = {"learnig_rate=1"};
  try {
    train(small.recipe(), options);
    FAIL() << "there is no such key";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    EXPECT_NE(std::string(error.what()).find("learnig_rate"), std::string::npos) << error.what();
  }
}

TEST(Train, a_loss_that_is_not_finite_stops_and_names_the_samples) {
  const SmallTraining small;
  TrainOptions options = options_for(small.folder() / "out");
  options.overrides = {"steps=50", "learning_rate=1e30", "clip_norm=1e30", "checkpoint_every=1"};
  std::int64_t steps = 0;
  options.on_step = [&](const TrainProgress& progress) { steps = progress.step; };
  try {
    train(small.recipe(), options);
    FAIL() << "no weights survive such steps";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("not finite"), std::string::npos) << error.what();
    EXPECT_TRUE(std::regex_search(error.what(), std::regex(" [0-8], [0-8]"))) << error.what();
  }
  const SafetensorsFile file = SafetensorsFile::open(options.out / "checkpoint.safetensors");
  EXPECT_EQ(file.metadata().at("step"), std::to_string(steps)) << "that of the last good step";
  for (const auto& [name, entry] : file.entries())
    EXPECT_TRUE(at::isfinite(file.tensor(name)).all().item<bool>()) << name;
}

TEST(Train, weights_that_are_not_finite_do_not_replace_a_good_checkpoint) {
  const SmallTraining small;
  std::atomic<bool> stop = false;
  TrainOptions options = options_for(small.folder() / "out");
  options.overrides = {"steps=9", "checkpoint_every=1"};
  options.stop = &stop;
  options.on_step = [&](const TrainProgress& progress) { stop = progress.step == 3; };
  EXPECT_THROW(train(small.recipe(), options), Error);

  // Finite, but so fast that the next step's weights are not, whatever its gradient.
  const fs::path checkpoint = options.out / "checkpoint.safetensors";
  NamedTensors state;
  std::map<std::string, std::string> metadata;
  {
    const SafetensorsFile file = SafetensorsFile::open(checkpoint);
    metadata = file.metadata();
    for (const auto& [name, entry] : file.entries()) state.emplace_back(name, file.tensor(name).clone());
  }
  for (auto& [name, value] : state)
    if (name.starts_with("first_moment:")) value.fill_(3e38);
  write_safetensors(checkpoint, state, metadata);
  const std::string good = sha256_of_file(checkpoint);

  options.resume = true;
  options.stop = nullptr;
  const test::Thrown thrown = test::thrown_by([&] { train(small.recipe(), options); });
  EXPECT_EQ(thrown.code, ErrorCode::Internal);
  EXPECT_NE(thrown.sentence.find("is not saved"), std::string::npos) << thrown.sentence;
  EXPECT_EQ(sha256_of_file(checkpoint), good);
}

TEST(Train, one_picture_that_breaks_a_step_is_named_alone) {
  const SmallTraining small;
  train(small.recipe(), options_for(small.folder() / "first"));
  Json records = read_json(small.folder() / "train.json");
  Json& last = records.back()["conversations"][0]["value"];
  last = last.get<std::string>() + " Ω";
  write_file(small.folder() / "train.json", records.dump());

  const SafetensorsFile file = SafetensorsFile::open(small.folder() / "first/checkpoint.safetensors");
  NamedTensors state;
  for (const auto& [name, entry] : file.entries()) state.emplace_back(name, file.tensor(name).clone());
  for (auto& [name, value] : state)
    if (name == "average:language.embed.weight")
      value[Tokenizer::load(small.folder() / "model").encode("Ω").back()] =
          std::numeric_limits<float>::quiet_NaN();
  fs::create_directory(small.folder() / "broken");
  write_safetensors(small.folder() / "broken/checkpoint.safetensors", state, file.metadata());

  TrainOptions options = options_for(small.folder() / "out");
  options.overrides = {"images_per_step=30", R"(start=["broken"])"};  // some of each of the three pictures
  const std::string said = test::thrown_by([&] { train(small.recipe(), options); }).sentence;
  EXPECT_NE(said.find("not finite"), std::string::npos) << said;
  EXPECT_TRUE(std::regex_search(said, std::regex("samples: [678](, [678])*( and \\d+ more)?\\.$"))) << said;
}

TEST(Train, a_gradient_that_is_not_finite_changes_nothing) {
  Recipe recipe;
  const at::Tensor weight = at::ones({3}).set_requires_grad(true);
  Optimizer optimizer(recipe, {{"weight", weight}});
  weight.mutable_grad() = at::full({3}, std::numeric_limits<float>::quiet_NaN());
  EXPECT_FALSE(std::isfinite(optimizer.step(0)));
  for (const auto& [name, value] : optimizer.state())
    EXPECT_TRUE(at::isfinite(value).all().item<bool>()) << name;
  EXPECT_TRUE(at::equal(weight.detach(), at::ones({3})));
}

TEST(Train, three_steps_are_those_of_pytorch) {
  Recipe recipe;
  recipe.warmup = 0;
  recipe.learning_rate = 0.01;
  recipe.final_learning_rate = 1;
  recipe.weight_decay = 0.1;
  recipe.beta1 = 0.9;
  recipe.beta2 = 0.95;
  recipe.clip_norm = 1;
  recipe.average = 0.5;
  const at::Tensor weight = at::tensor({1.0F, -2.0F, 0.5F, 3.0F}).set_requires_grad(true);
  Optimizer optimizer(recipe, {{"weight", weight}});
  const auto step = [&](std::int64_t number, const at::Tensor& gradient) {
    weight.mutable_grad() = gradient.clone();
    return optimizer.step(number);
  };
  // torch.optim.AdamW after clip_grad_norm_, and of the weights an average by lerp
  EXPECT_NEAR(step(0, at::tensor({0.1F, -0.2F, 0.05F, 0.3F})), 0.3774917, 1e-6);
  EXPECT_NEAR(step(1, at::tensor({3.0F, 4.0F, -12.0F, 0.0F})), 13, 1e-5) << "which is clipped to 1";
  EXPECT_NEAR(step(2, at::tensor({0.2F, 0.1F, -0.1F, 0.4F})), 0.4690416, 1e-6);
  EXPECT_TRUE(at::allclose(weight.detach(),
                           at::tensor({0.967971802F, -1.990231633F, 0.501616836F, 2.966090202F}), 1e-6, 1e-7))
      << weight;
  const at::Tensor average = optimizer.averaged().front().second;
  EXPECT_TRUE(at::allclose(average, at::tensor({0.971151590F, -1.989848614F, 0.499963284F, 2.969377518F}),
                           1e-6, 1e-7))
      << average;
}

TEST(Train, what_no_loss_reaches_stands_still) {
  Recipe recipe;
  const at::Tensor reached = at::ones({3}).set_requires_grad(true),
                   other = at::ones({3}).set_requires_grad(true);
  Optimizer optimizer(recipe, {{"reached", reached}, {"other", other}});
  reached.mutable_grad() = at::ones({3});
  optimizer.step(recipe.warmup);
  EXPECT_TRUE((reached.detach() < 1).all().item<bool>());
  EXPECT_TRUE(at::equal(other.detach(), at::ones({3}))) << "it decayed";
}

// What a training by these records, put in the place of the small training's, complains about.
std::string complaint_about(const SmallTraining& small, const Json& records,
                            const std::vector<std::string>& overrides = {}) {
  write_file(small.folder() / "train.json", records.dump());
  TrainOptions options = options_for(small.folder() / "out");
  options.overrides = overrides;
  try {
    train(small.recipe(), options);
  } catch (const Error& error) {
    EXPECT_EQ(error.subject(), Subject::Data);
    return error.what();
  }
  return "nothing";
}

TEST(Train, records_from_which_nothing_can_be_learnt_are_left_out_and_counted) {
  const SmallTraining small;
  Json records = read_json(small.folder() / "train.json");
  records[1]["conversations"][1]["value"] = "";
  write_file(small.folder() / "train.json", records.dump());
  const TrainPlan plan = plan_training(small.recipe(), options_for(small.folder() / "out"));
  EXPECT_EQ(plan.left_out, 1);
  EXPECT_EQ(plan.sets[0].questions, 8);
  records[3]["conversations"][1]["value"] = "It is " + std::string(5000, 'o') + ".";
  write_file(small.folder() / "train.json", records.dump());
  EXPECT_EQ(plan_training(small.recipe(), options_for(small.folder() / "out")).left_out, 2);
  for (auto& record : records) record["conversations"][1]["value"] = "";
  EXPECT_THAT(complaint_about(small, records), testing::HasSubstr("All 9 were left out"));
}

TEST(Train, a_mask_that_is_taught_by_its_name_needs_one) {
  const SmallTraining small;
  Json records = read_json(small.folder() / "train.json");
  records[3].erase("structure");
  const std::string complaint = complaint_about(small, records, {"objective=grounding"});
  EXPECT_THAT(complaint, testing::HasSubstr("record 3"));
  EXPECT_THAT(complaint, testing::HasSubstr("\"structure\""));
}

TEST(Train, nothing_left_to_draw_is_told_before_the_first_step) {
  const SmallTraining small;
  const Json records = read_json(small.folder() / "train.json");
  Json drawn = Json::array();
  for (const auto& record : records)
    if (record["conversations"][1]["value"].get<std::string>().find("<mask>") != std::string::npos)
      drawn.push_back(record);
  EXPECT_THAT(complaint_about(small, drawn, {"masks_per_image=0"}), testing::HasSubstr("leave no image"));
  EXPECT_THAT(complaint_about(small, records, {"objective=grounding", "masks_per_image=0"}),
              testing::HasSubstr("leave no image"));
  EXPECT_THAT(complaint_about(small, records, {R"(set_weight={"discs": 0})"}),
              testing::HasSubstr("leave no image"));
}

TEST(Train, the_plan_counts_what_is_there) {
  const SmallTraining small;
  TrainOptions options = options_for(small.folder() / "out");
  options.overrides = {"objective=grounding", "validate=train.json", "validate_samples=2"};
  const TrainPlan plan = plan_training(small.recipe(), options);
  ASSERT_EQ(plan.sets.size(), 1U);
  EXPECT_EQ(plan.sets[0].name, "discs");
  EXPECT_EQ(plan.sets[0].images, 3);
  EXPECT_EQ(plan.sets[0].questions, 9);
  EXPECT_EQ(plan.sets[0].masks, 3);
  ASSERT_EQ(plan.validation.size(), 1U);
  EXPECT_EQ(plan.validation[0].masks, 2);

  std::int64_t trained = 0, frozen = 0;
  for (const auto& part : plan.parts) {
    trained += part.trained.parameters;
    frozen += part.frozen.parameters;
    const bool draws = part.name.starts_with("sam.") || part.name == "training";
    EXPECT_EQ(part.trained.tensors > 0, draws) << part.name;
  }
  EXPECT_EQ(plan.weight_bytes, 4 * (trained + frozen));
  EXPECT_EQ(plan.gradient_bytes, 4 * trained);
  EXPECT_EQ(plan.optimizer_bytes, 12 * trained) << "two moments and an average";
  EXPECT_FALSE(fs::exists(small.folder() / "out")) << "a plan writes nothing";
}

}  // namespace
}  // namespace medplib::core
