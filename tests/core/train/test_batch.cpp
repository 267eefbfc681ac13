// From records to the tensors of a batch.
#include "base/files.h"
#include "base/json.h"
#include "image/geometry.h"
#include "train/batch.h"
#include "train/small_training.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace medplib::core {
namespace {

TEST(Batch, a_region_or_mask_too_small_for_the_grid_takes_the_cell_at_its_centre) {
  const test::SmallTraining small;
  cv::Mat dot = cv::Mat::zeros(32, 32, CV_8UC1);
  dot(cv::Rect(11, 20, 2, 2)) = 255;  // of the grid's 4 × 4 cells the one in row 2, column 1
  write_file(small.folder() / "masks" / "0.png", encode_png(dot));

  const Recipe recipe = Recipe::read(small.recipe(), {});
  const FolderFacts model(recipe.model);
  BatchSampler batches(recipe, model);
  const Batch batch = batches.plain(batches.images().front());
  ASSERT_EQ(batch.regions.size(), 1U);
  ASSERT_EQ(batch.targets.size(), 1U);
  at::Tensor expected = at::zeros({4, 4}, at::kByte);
  expected[2][1] = 1;
  EXPECT_TRUE(at::equal(batch.regions.front().cells, expected)) << batch.regions.front().cells;
  EXPECT_TRUE(at::equal(batch.targets.front().cells, expected)) << batch.targets.front().cells;
}

TEST(Batch, pictures_that_differ_in_kind_alone_are_told_apart) {
  const test::SmallTraining small;
  Json records = read_json(small.folder() / "train.json");
  for (Json& record : records)
    if (record.at("image") == "images/1.png") record["kind"] = "T1";
  write_file(small.folder() / "train.json", records.dump());

  const Recipe recipe = Recipe::read(small.recipe(), {});
  const FolderFacts model(recipe.model);
  BatchSampler batches(recipe, model);
  EXPECT_EQ(batches.image_label_count(), 2);
  std::vector<std::int64_t> labels;
  for (const ImageRecords& image : batches.images())
    labels.push_back(batches.plain(image).image_labels.front());
  EXPECT_EQ(labels, (std::vector<std::int64_t>{0, 1, 0}));
}

TEST(Batch, pictures_of_the_modalities_that_the_recipe_names_alone_are_of_free_orientation) {
  const test::SmallTraining small;
  Json records = read_json(small.folder() / "train.json");
  std::map<std::string, std::string> modalities;  // by record
  for (Json& record : records) {
    record["modality"] = record.at("image") == "images/0.png" ? "cells" : "chest";
    modalities[record.at("id")] = record.at("modality");
  }
  write_file(small.folder() / "train.json", records.dump());

  const Recipe named = Recipe::read(small.recipe(), {"images_per_step=1", R"(free_orientation=["cells"])"}),
               none = Recipe::read(small.recipe(), {"images_per_step=1"});
  const FolderFacts model(named.model);
  BatchSampler free(named, model), upright(none, model);
  std::set<std::string> seen;
  for (std::int64_t step = 0; step < 20; ++step) {
    const Batch batch = free.batch(step);
    const std::string modality = modalities.at(batch.ids.front().front());
    seen.insert(modality);
    EXPECT_EQ(at::equal(batch.sam_pixels.front(), upright.batch(step).sam_pixels.front()),
              modality == "chest")
        << "step " << step;
  }
  EXPECT_EQ(seen, (std::set<std::string>{"cells", "chest"}));
}

}  // namespace
}  // namespace medplib::core
