#include "nn/rotary.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

namespace medplib::core {
namespace {

constexpr std::int64_t kDim = 8;

RotaryTable table_of(std::int64_t max_positions) {
  LanguageConfig config;
  config.hidden = 2 * kDim;
  config.heads = 2;
  config.max_positions = max_positions;
  return {config, at::kCPU};
}

RotaryRows rows_of(const RotaryTable& table, const at::Tensor& positions, c10::ScalarType type = at::kFloat) {
  return table.at_positions(positions, at::empty({0}, type));
}

void expect_same(const RotaryRows& a, const RotaryRows& b) {
  EXPECT_TRUE(at::equal(a.cos, b.cos));
  EXPECT_TRUE(at::equal(a.sin, b.sin));
}

TEST(Rotary, each_pair_of_channels_is_turned_by_the_angle_rounded_to_float32) {
  const at::Tensor positions = at::tensor({0, 1, 655, 2047}, at::kLong).view({2, 2});
  const RotaryRows rows = rows_of(table_of(2048), positions);
  ASSERT_EQ(rows.cos.sizes(), (at::IntArrayRef{2, 1, 2, kDim}));
  for (std::int64_t i = 0; i < 4; ++i)
    for (std::int64_t channel = 0; channel < kDim; ++channel) {
      const float exponent = static_cast<float>(2 * (channel % (kDim / 2))) / kDim;
      const float frequency = 1.0F / std::pow(10000.0F, exponent);
      const float angle = static_cast<float>(positions.flatten()[i].item<std::int64_t>()) * frequency;
      // As far as the power may be off in its last place.
      const double off = 1e-7 + 2.5e-7 * static_cast<double>(angle);
      EXPECT_NEAR(rows.cos[i / 2][0][i % 2][channel].item<double>(), std::cos(static_cast<double>(angle)),
                  off);
      EXPECT_NEAR(rows.sin[i / 2][0][i % 2][channel].item<double>(), std::sin(static_cast<double>(angle)),
                  off);
    }
}

TEST(Rotary, positions_behind_the_context_have_the_same_bits_as_in_a_longer_one) {
  const at::Tensor positions = at::arange(100, at::kLong).unsqueeze(0);
  expect_same(rows_of(table_of(64), positions), rows_of(table_of(128), positions));
  const at::Tensor behind = positions.slice(1, 64);
  expect_same(rows_of(table_of(64), behind), rows_of(table_of(128), behind));
}

TEST(Rotary, a_context_too_long_for_a_table_is_none_the_less_right) {
  const at::Tensor last = at::full({1, 1}, (std::int64_t{1} << 24) - 1, at::kLong);
  const RotaryRows rows = rows_of(table_of(std::int64_t{1} << 24), last);
  EXPECT_NEAR(rows.cos[0][0][0][0].item<double>(), std::cos(16777215.0), 1e-7);
}

TEST(Rotary, rows_have_the_type_of_the_embeddings) {
  const at::Tensor positions = at::arange(9, at::kLong).unsqueeze(0);
  const RotaryTable table = table_of(64);
  const RotaryRows exact = rows_of(table, positions), rough = rows_of(table, positions, at::kBFloat16);
  EXPECT_TRUE(at::equal(rough.cos, exact.cos.to(at::kBFloat16)));
  EXPECT_TRUE(at::equal(rough.sin, exact.sin.to(at::kBFloat16)));
}

}  // namespace
}  // namespace medplib::core
