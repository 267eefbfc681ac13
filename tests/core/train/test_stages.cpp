#include "base/files.h"
#include "base/json.h"
#include "support/thrown.h"
#include "train/recipe.h"
#include "train/region_part.h"
#include "train/setup.h"
#include "train/small_training.h"
#include "train/stages.h"

#include <medplib/core/train.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medplib::core {
namespace {

namespace fs = std::filesystem;
using test::SmallTraining;

void train_stage(const SmallTraining& small, const char* stage, const char* out, const std::string& start) {
  TrainOptions options;
  options.out = small.folder() / out;
  options.overrides = {text_of("stage=", stage), "steps=1"};
  if (!start.empty()) options.overrides.push_back(text_of("start=[\"", start, "\"]"));
  train(small.recipe(), options);
}

TEST(Stages, a_model_says_of_what_stage_it_is_and_from_what_it_was_made) {
  const SmallTraining small;
  train_stage(small, "alignment", "one", "");
  train_stage(small, "language-expert", "two", "one/model");
  const Json manifest = read_json(small.folder() / "two/model/medplib.json");
  EXPECT_EQ(manifest.at("stage"), "language-expert");
  EXPECT_EQ(manifest.at("made_from").at(0).at("stage"), "alignment");
  EXPECT_EQ(manifest.at("made_from").at(0).at("sha256"),
            sha256_of_file(small.folder() / "one/model/medplib.json"));
}

TEST(Stages, one_without_its_predecessor_says_who_makes_that) {
  const SmallTraining small;
  train_stage(small, "alignment", "one", "");
  const auto refused = [&](const char* stage, const std::string& start) {
    return test::thrown_by([&] { train_stage(small, stage, "out", start); });
  };
  const auto absent = refused("language-expert", "elsewhere/model");
  EXPECT_EQ(absent.code, ErrorCode::NotFound);
  EXPECT_THAT(absent.sentence,
              testing::AllOf(testing::HasSubstr("elsewhere/model"), testing::HasSubstr("isn't there"),
                             testing::HasSubstr("recipe of stage alignment")));
  EXPECT_THAT(refused("language-expert", "").sentence, testing::HasSubstr("needs a \"start\""));
  const auto wrong = refused("grounding-expert", "one/model");
  EXPECT_EQ(wrong.code, ErrorCode::Format);
  EXPECT_THAT(wrong.sentence, testing::AllOf(testing::HasSubstr("is of stage \"alignment\""),
                                             testing::HasSubstr("language-expert")));
  EXPECT_THAT(refused("language-expert", "one").sentence, testing::HasSubstr("one/model"));
  EXPECT_THAT(refused("experts", "one/model").sentence, testing::HasSubstr("medplib experts --from"));
  EXPECT_FALSE(fs::exists(small.folder() / "out")) << "something was written";
}

at::Tensor cells_of(std::initializer_list<const char*> rows) {
  at::Tensor cells =
      at::zeros({std::ssize(rows), static_cast<std::int64_t>(std::string(*rows.begin()).size())}, at::kByte);
  std::int64_t y = 0;
  for (const char* row : rows) {
    for (std::int64_t x = 0; row[x] != 0; ++x) cells[y][x] = row[x] == '#' ? 1 : 0;
    ++y;
  }
  return cells;
}

TEST(RegionPart, largest_is_the_largest_piece_and_whole_is_all) {
  Random random(1);
  const at::Tensor cells = cells_of({"##..#", "##..#", "....#", "#...#"});
  EXPECT_TRUE(at::equal(part_of_region(cells, RegionPart::Whole, random), cells));
  EXPECT_TRUE(at::equal(part_of_region(cells, RegionPart::Largest, random),
                        cells_of({"##...", "##...", ".....", "....."})));
  const at::Tensor none = at::zeros({3, 3}, at::kByte);
  EXPECT_TRUE(at::equal(part_of_region(none, RegionPart::Random, random), none));
}

TEST(RegionPart, a_random_part_is_connected_within_the_largest_piece_and_of_a_fifth_to_all_of_it) {
  Random random(2);
  const at::Tensor cells = cells_of({"#####.#", "#####.#", "#####..", "#####.."});
  const at::Tensor piece = part_of_region(cells, RegionPart::Largest, random);
  std::int64_t least = 20, most = 0;
  for (int draw = 0; draw < 400; ++draw) {
    const at::Tensor part = part_of_region(cells, RegionPart::Random, random);
    EXPECT_TRUE((part <= piece).all().item<bool>());
    EXPECT_TRUE(at::equal(part_of_region(part, RegionPart::Largest, random), part)) << "in pieces";
    const auto size = part.sum().item<std::int64_t>();
    least = std::min(least, size), most = std::max(most, size);
  }
  EXPECT_EQ(least, 5) << "a fifth of 20, rounded up past it";
  EXPECT_EQ(most, 20);
}

TEST(RegionPart, a_training_shows_parts_of_its_regions_alike_after_a_resume) {
  const SmallTraining small;
  const TrainingSetup whole(small.recipe(), {"augment=false"});
  TrainingSetup parts(small.recipe(), {"augment=false", "regions=random", "images_per_step=6"}),
      again(small.recipe(), {"augment=false", "regions=random", "images_per_step=6"});
  const Batch a = parts.batches.batch(3), b = again.batches.batch(3);
  ASSERT_FALSE(a.regions.empty());
  for (std::size_t i = 0; i < a.regions.size(); ++i)
    EXPECT_TRUE(at::equal(a.regions[i].cells, b.regions[i].cells));
}

}  // namespace
}  // namespace medplib::core
