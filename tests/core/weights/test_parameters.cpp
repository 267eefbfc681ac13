#include "weights/sources.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace medplib::core {
namespace {

at::Tensor fresh(std::uint64_t seed, const std::string& name, Init init = Init::FanIn) {
  return FreshParameters(seed).take({.name = name, .shape = {8, 25}, .init = init});
}

TEST(FreshParameters, depend_on_seed_and_name_and_not_on_what_was_taken_before) {
  FreshParameters source(7);
  source.take({.name = "added.part", .shape = {3, 4}});
  const auto later = source.take({.name = "language.head.weight", .shape = {8, 25}});
  EXPECT_TRUE(at::equal(later, fresh(7, "language.head.weight")));
  EXPECT_FALSE(at::equal(later, fresh(8, "language.head.weight")));
  EXPECT_FALSE(at::equal(later, fresh(7, "language.embed.weight")));
}

TEST(FreshParameters, start_as_their_kind_says) {
  EXPECT_TRUE(at::equal(fresh(1, "a", Init::Zeros), at::zeros({8, 25})));
  EXPECT_TRUE(at::equal(fresh(1, "a", Init::Ones), at::ones({8, 25})));
  EXPECT_NEAR(fresh(1, "a", Init::Normal02).std().item<double>(), 0.02, 0.004);
  EXPECT_NEAR(fresh(1, "a", Init::Normal).std().item<double>(), 1.0, 0.2);
  const double largest = fresh(1, "a", Init::FanIn).abs().max().item<double>();
  EXPECT_LE(largest, 1.0 / std::sqrt(25.0));
  EXPECT_GT(largest, 0.9 / std::sqrt(25.0));
}

TEST(FreshParameters, of_a_convolution_count_the_kernel_in_the_fan_in) {
  const auto kernel = FreshParameters(1).take({.name = "patch.weight", .shape = {64, 3, 4, 4}});
  EXPECT_NEAR(kernel.abs().max().item<double>(), 1.0 / std::sqrt(48.0), 0.01);
}

TEST(FreshParameters, are_trainable_unless_they_are_buffers) {
  FreshParameters source(1);
  EXPECT_TRUE(source.take({.name = "a", .shape = {2}}).requires_grad());
  EXPECT_FALSE(source.take({.name = "b", .shape = {2}, .buffer = true}).requires_grad());
}

TEST(Scope, joins_names_with_dots_and_passes_on_what_was_asked) {
  FreshParameters source(1);
  const Scope scope(source);
  const auto head = (scope / "language" / "head").take("weight", {2, 3}, Init::FanIn);
  (scope / "language" / "layers" / 4).take_float32("router.weight", {2, 3}, Init::FanIn);
  (scope / "sam" / "prompt").take_buffer_float32("fourier", {2, 4}, Init::Normal);
  ASSERT_EQ(source.all().size(), 3u);
  EXPECT_EQ(source.all()[0].first, "language.head.weight");
  EXPECT_TRUE(source.all()[0].second.is_same(head));
  EXPECT_EQ(source.all()[1].first, "language.layers.4.router.weight");
  EXPECT_EQ(source.all()[2].first, "sam.prompt.fourier");
  EXPECT_FALSE(source.all()[2].second.requires_grad());
}

}  // namespace
}  // namespace medplib::core
