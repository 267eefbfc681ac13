// From records to the tensors of a batch.
#include "base/files.h"
#include "image/geometry.h"
#include "train/batch.h"
#include "train/small_training.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace medplib::core {
namespace {

TEST(Batch, a_region_or_mask_too_small_for_the_grid_takes_the_cell_at_its_centre) {
  const test::SmallTraining small;
  cv::Mat dot = cv::Mat::zeros(32, 32, CV_8UC1);
  dot(cv::Rect(11, 20, 2, 2)) = 255;  // of the grid's 4 × 4 cells the one in row 2, column 1
  write_file(small.folder() / "masks" / "0.png", encode_png(dot));

  const Recipe recipe = Recipe::read(small.recipe(), {});
  const ModelConfig config = ModelConfig::read(recipe.model / "config.json");
  const Tokenizer tokenizer = Tokenizer::load(recipe.model);
  BatchMaker batches(recipe, config, tokenizer, ConversationTemplate::VicunaV1);
  const Batch batch = batches.plain(batches.images().front());
  ASSERT_EQ(batch.region_cells.front().size(), 1U);
  ASSERT_EQ(batch.targets.size(), 1U);
  at::Tensor expected = at::zeros({4, 4}, at::kByte);
  expected[2][1] = 1;
  EXPECT_TRUE(at::equal(batch.region_cells.front().front(), expected)) << batch.region_cells.front().front();
  EXPECT_TRUE(at::equal(batch.targets.front().cells, expected)) << batch.targets.front().cells;
}

}  // namespace
}  // namespace medplib::core
