// A batch computed in parts, or in bfloat16, is the same batch.
#include "support/golden.h"
#include "train/forward.h"
#include "train/small_training.h"
#include "weights/sources.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace medplib::core {
namespace {

// Among one structure there is nothing to tell apart.
std::set<std::string> with_another(std::set<std::string> structures) {
  structures.insert("another structure");
  return structures;
}

class SmallBatch {
 public:
  explicit SmallBatch(const std::vector<std::string>& overrides)
      : recipe_(Recipe::read(small_.recipe(), overrides)),
        model_(recipe_.model),
        network_(parameters_, model_.config),
        batches_(recipe_, model_),
        parts_(Scope(parameters_, "training"), model_.config, /*image_labels=*/2,
               with_another(batches_.structures())),
        batch_(batches_.batch(0)) {
    MaskTarget& absent = batch_.targets.front();
    absent.inside.zero_();
    absent.cells.zero_();
  }

  Batch& batch() { return batch_; }

  Losses backward(std::uint64_t seed = 0) {
    for (const auto& [name, value] : parameters_.all()) value.mutable_grad() = at::Tensor();
    return core::backward(trainee(), batch_, seed);
  }

  // By parameter; 0 where there is none.
  std::map<std::string, at::Tensor> gradients() const {
    std::map<std::string, at::Tensor> result;
    for (const auto& [name, value] : parameters_.all())
      result[name] = value.grad().defined() ? value.grad().clone() : at::zeros_like(value);
    return result;
  }

 private:
  Trainee trainee() const {
    return {.network = network_,
            .parts = parts_,
            .recipe = recipe_,
            .geometry = MaskGeometry::Centered,
            .seg_token = model_.tokenizer.added("<SEG>")};
  }

  test::SmallTraining small_;
  Recipe recipe_;
  FolderFacts model_;
  FreshParameters parameters_{7};
  Network network_;
  BatchSampler batches_;
  TrainingParts parts_;
  Batch batch_;
};

// Every loss that is a mean.
std::vector<std::string> all_losses(std::vector<std::string> more) {
  more.insert(more.end(), {"images_per_step=5", "router=0", "prompted=0"});
  for (const LossRow& row : kLosses)
    if (row.weight == 0) more.push_back(text_of(row.key, "=0.3"));
  return more;
}

std::map<std::string, double> numbers(const Losses& losses) {
  std::map<std::string, double> result{{"total", losses.total.item<double>()}};
  for_each_loss([&](LossKey key, const LossRow& row) { result[row.key] = losses[key].item<double>(); });
  result.erase("router");    // isn't a mean
  result.erase("prompted");  // has a test of its own
  return result;
}

TEST(Forward, a_batch_in_parts_has_the_losses_and_gradients_of_the_whole) {
  SmallBatch whole(all_losses({})), parts(all_losses({"accumulate=3"})),
      single(all_losses({"accumulate=99"}));
  const auto expected = numbers(whole.backward());
  const auto gradients = whole.gradients();
  double largest = 0;
  for (const auto& [name, gradient] : gradients)
    largest = std::max(largest, gradient.abs().max().item<double>());
  for (SmallBatch* other : {&parts, &single}) {
    for (const auto& [name, loss] : numbers(other->backward())) {
      EXPECT_GT(loss, 0) << name;
      EXPECT_NEAR(loss, expected.at(name), 1e-5 * loss) << name;
    }
    for (const auto& [name, gradient] : other->gradients())
      EXPECT_LE((gradient - gradients.at(name)).abs().max().item<double>(), 1e-5 * largest) << name;
  }
}

TEST(Forward, simulated_users_do_the_same_in_parts_as_in_the_whole_batch) {
  const std::vector<std::string> drawn{"images_per_step=5", "router=0", "prompted=1"};
  std::vector<std::string> in_parts = drawn;
  in_parts.emplace_back("accumulate=3");
  SmallBatch whole(drawn), parts(in_parts);
  std::set<double> found;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {  // boxes, clicks and corrections
    const double expected = whole.backward(seed)["prompted"].item<double>();
    EXPECT_NEAR(parts.backward(seed)["prompted"].item<double>(), expected, 1e-5 * expected)
        << "seed " << seed;
    found.insert(expected);
  }
  EXPECT_EQ(found.size(), 8U);
}

TEST(Forward, a_part_without_masks_or_answers_leaves_the_others_alone) {
  SmallBatch whole(all_losses({})), parts(all_losses({"accumulate=5"}));
  for (SmallBatch* one : {&whole, &parts}) {
    Batch& batch = one->batch();
    std::erase_if(batch.targets, [](const MaskTarget& target) { return target.image == 0; });
    std::ranges::fill(batch.prompts.front().labels, kIgnoredLabel);
  }
  const auto expected = numbers(whole.backward());
  for (const auto& [name, loss] : numbers(parts.backward()))
    EXPECT_NEAR(loss, expected.at(name), 1e-5 * loss) << name;
}

TEST(Forward, in_bfloat16_losses_are_close_and_gradients_float32) {
  SmallBatch exact(all_losses({})), rough(all_losses({"precision=bfloat16"}));
  const auto expected = numbers(exact.backward());
  const auto got = numbers(rough.backward());
  EXPECT_NE(got.at("total"), expected.at("total")) << "nothing was rounded";
  for (const auto& [name, loss] : got) EXPECT_NEAR(loss, expected.at(name), 2e-2 * expected.at(name)) << name;
  for (const auto& [name, gradient] : rough.gradients())
    EXPECT_EQ(gradient.scalar_type(), at::kFloat) << name;
}

TEST(Forward, padding_is_not_taught) {
  SmallBatch small(all_losses({}));
  small.backward();
  EXPECT_EQ(small.gradients().at("language.embed.weight")[kPadding].abs().max().item<double>(), 0);
}

TEST(Split, parts_keep_images_and_their_masks_together) {
  SmallBatch small({"images_per_step=5"});
  const Batch& batch = small.batch();
  const BatchCounts whole = counts_of(batch);
  BatchCounts sum;
  std::size_t target = 0;
  for (const Batch& part : split(batch, 2)) {
    const BatchCounts own = counts_of(part);
    for (const MaskTarget& one : part.targets) {
      EXPECT_TRUE(at::equal(one.inside, batch.targets[target].inside));
      EXPECT_EQ(one.image + sum.images, batch.targets[target++].image);
    }
    sum = {sum.images + own.images, sum.tokens + own.tokens, sum.targets + own.targets,
           sum.nonempty + own.nonempty};
  }
  EXPECT_EQ(sum.images, 5);
  EXPECT_EQ(sum.tokens, whole.tokens);
  EXPECT_EQ(sum.targets, whole.targets);
  EXPECT_EQ(sum.nonempty, whole.targets - 1) << "one shows nothing";
}

}  // namespace
}  // namespace medplib::core
