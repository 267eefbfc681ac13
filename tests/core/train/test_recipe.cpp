// The recipes that come with the embedded model.
#include "support/folders.h"
#include "train/recipe.h"
#include "weights/manifest.h"

#include <gtest/gtest.h>

#include <set>

namespace medplib::core {
namespace {

TEST(Recipe, each_of_the_embedded_model_can_be_read_and_weighs_sets_that_it_was_trained_on) {
  const auto folder = test::source_folder() / "models" / "tiny";
  std::set<std::string> sets;
  for (const Json& set : read_manifest(folder).trained_on) sets.insert(set.at("name").get<std::string>());
  int recipes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".json" || !read_json(file.path()).contains("stage")) continue;
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
