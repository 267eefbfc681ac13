// Which records a training can use.
#include "train/pack.h"
#include "train/recipe.h"
#include "train/small_training.h"
#include "train/usable.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace medplib::core {
namespace {

TEST(Usable, a_record_may_be_as_long_as_the_model_can_read_and_no_longer) {
  const test::SmallTraining small;
  const Recipe recipe = Recipe::read(small.recipe(), {});
  FolderFacts model(recipe.model);
  const auto images = read_records(recipe.train.front());
  std::vector<std::int64_t> lengths;
  for (const auto& image : images)
    for (const auto& record : image.records) {
      const std::vector alone{label_conversation(model.tokenizer, model.conversation, record.turns)};
      const std::vector packed{pack(alone, model.tokenizer)};
      lengths.push_back(pack_tensors(packed, model.config.image_tokens()).labels.size(1));
    }
  for (const std::int64_t limit : lengths) {
    model.config.language.max_positions = limit;
    auto kept = images;
    EXPECT_EQ(drop_unlearnable(kept, model),
              std::ranges::count_if(lengths, [&](std::int64_t length) { return length > limit; }));
  }
  EXPECT_LT(std::ranges::min(lengths), std::ranges::max(lengths));
}

}  // namespace
}  // namespace medplib::core
