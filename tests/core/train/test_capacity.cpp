// Experts that take only so many tokens of a step.
#include "support/thrown.h"
#include "train/setup.h"
#include "train/small_training.h"
#include "weights/safetensors.h"

#include <medplib/core/train.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medplib::core {
namespace {

using test::SmallTraining;

double loss_with(const SmallTraining& small, const char* capacity, std::uint64_t seed = 1) {
  TrainingSetup setup(small.recipe(), {std::string("expert_capacity=") + capacity});
  at::Generator random = setup.parameters.random();
  random.set_current_seed(seed);
  return backward(setup.trainee(), setup.batches.batch(0), 1).total.item<double>();
}

TEST(ExpertCapacityInTraining, drops_nothing_when_it_is_off_or_holds_all) {
  const SmallTraining small;
  EXPECT_EQ(loss_with(small, "0"), loss_with(small, "2"));
  EXPECT_EQ(loss_with(small, "0"), loss_with(small, "1024"));
}

TEST(ExpertCapacityInTraining, changes_what_is_computed_as_its_generator_says) {
  const SmallTraining small;
  EXPECT_NE(loss_with(small, "0"), loss_with(small, "0.5"));
  EXPECT_EQ(loss_with(small, "0.5"), loss_with(small, "0.5"));
  EXPECT_NE(loss_with(small, "0.5"), loss_with(small, "0.5", 2));
}

TEST(ExpertCapacityInTraining, a_resumed_training_drops_the_same_tokens) {
  const SmallTraining small;
  TrainOptions whole, halves;
  whole.overrides = halves.overrides = {"expert_capacity=0.5", "checkpoint_every=1"};
  whole.out = small.folder() / "whole";
  halves.out = small.folder() / "halves";
  train(small.recipe(), whole);
  std::atomic<bool> stop = false;
  halves.stop = &stop;
  halves.on_step = [&](const TrainProgress& progress) { stop = progress.step == 2; };
  EXPECT_EQ(test::thrown_by([&] { train(small.recipe(), halves); }).code, ErrorCode::Cancelled);
  halves.stop = nullptr;
  halves.on_step = {};
  halves.resume = true;
  train(small.recipe(), halves);
  const auto one = SafetensorsFile::open(whole.out / "checkpoint.safetensors"),
             other = SafetensorsFile::open(halves.out / "checkpoint.safetensors");
  for (const auto& [name, entry] : one.entries())
    EXPECT_TRUE(at::equal(one.tensor(name), other.tensor(name))) << name;
}

TEST(ExpertCapacityInTraining, one_below_0_or_that_is_no_number_is_refused) {
  const SmallTraining small;
  for (const char* capacity : {"-1", "1e300", "much"}) {
    const auto thrown = test::thrown_by([&] { (void)loss_with(small, capacity); });
    EXPECT_EQ(thrown.code, ErrorCode::InvalidArgument);
    EXPECT_THAT(thrown.sentence, testing::HasSubstr("expert_capacity"));
  }
}

}  // namespace
}  // namespace medplib::core
