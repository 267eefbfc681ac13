// What a recipe may say, and the recipes that come with the embedded model.
#include "model/manifest.h"
#include "support/folders.h"
#include "support/thrown.h"
#include "train/recipe.h"
#include "train/small_training.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

namespace medplib::core {
namespace {

TEST(Recipe, numbers_out_of_their_range_are_named) {
  const test::SmallTraining small;
  for (const char* wrong : {"steps=2.5", "steps=0", "threads=-3", "threads=257", "clip_norm=0", "average=7",
                            "beta1=1", "beta2=-0.1", "weight_decay=-1", "warmup=-1", "final_learning_rate=-1",
                            "dice=-1", R"(set_weight={"discs":-0.5})", "set_exponent=-1",
                            "threads=4294967297", "seed=-1", "steps=99999999999999999999", "augment=True"}) {
    const std::string key = std::string(wrong).substr(0, std::string_view(wrong).find('='));
    const auto thrown = test::thrown_by([&] { Recipe::read(small.recipe(), {wrong}); });
    EXPECT_EQ(thrown.code, ErrorCode::InvalidArgument) << wrong;
    EXPECT_NE(thrown.sentence.find('"' + key + "\" on the command line"), std::string::npos)
        << thrown.sentence;
    EXPECT_EQ(thrown.sentence.find("json."), std::string::npos) << thrown.sentence;
  }
}

TEST(Recipe, a_fault_of_the_file_is_told_with_its_line) {
  const test::SmallTraining small;
  write_file(small.recipe(), "{\"model\": \"model\",\n \"train\": \"train.json\",\n \"augment\": 3}");
  const auto thrown = test::thrown_by([&] { Recipe::read(small.recipe(), {"steps=3"}); });
  EXPECT_EQ(thrown.code, ErrorCode::Format);
  EXPECT_NE(thrown.sentence.find("recipe.json, line 3 cannot be used: type must be boolean, but is number."),
            std::string::npos)
      << thrown.sentence;
}

TEST(Recipe, each_of_the_embedded_model_can_be_read_and_weighs_sets_that_it_was_trained_on) {
  const auto folder = test::source_folder() / "models" / "tiny";
  std::set<std::string> sets;
  for (const Json& set : read_manifest(folder).trained_on) sets.insert(set.at("name").get<std::string>());
  int recipes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".json" || !read_json(file.path()).contains("objective")) continue;
    if (file.path().filename() == "medplib.json") continue;  // its stage is that of the model
    ++recipes;
    const Recipe recipe = Recipe::read(file.path(), {});
    for (const auto& [set, weight] : recipe.set_weight)
      EXPECT_TRUE(sets.contains(set)) << file.path() << " weighs \"" << set << "\"";
  }
  EXPECT_GT(recipes, 0);
}

}  // namespace
}  // namespace medplib::core
