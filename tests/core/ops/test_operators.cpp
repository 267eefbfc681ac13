// Operators against the formulas in their headers, computed in float64 step by step.
#include "ops/attention.h"
#include "ops/linear.h"
#include "ops/norm.h"
#include "support/golden.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>

namespace medplib::core {
namespace {

using test::relative_error;

at::Tensor random(at::IntArrayRef shape, c10::ScalarType dtype = at::kFloat) {
  return at::randn(shape, at::TensorOptions(dtype));
}

at::Tensor wide(const at::Tensor& x) { return x.to(at::kDouble); }

// softmax(q kᵀ / sqrt(d) + mask) v
at::Tensor attended(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask) {
  const at::Tensor scores =
      at::matmul(wide(q), wide(k).transpose(-1, -2)) / std::sqrt(static_cast<double>(q.size(-1)));
  return at::matmul(at::softmax(scores + wide(mask), -1), wide(v));
}

// Batch, heads, queries, keys, width of a head.
class AttentionOf : public testing::TestWithParam<std::tuple<int, int, int, int, int>> {
 protected:
  void SetUp() override {
    const auto [batch, heads, queries, keys, width] = GetParam();
    q = random({batch, heads, queries, width});
    k = random({batch, heads, keys, width});
    v = random({batch, heads, keys, width});
  }
  at::Tensor q, k, v;
};

TEST_P(AttentionOf, equals_its_formula_with_and_without_a_mask) {
  const at::Tensor none = at::zeros({1, 1, q.size(2), k.size(2)});
  EXPECT_LE(relative_error(attention(q, k, v), attended(q, k, v, none)), 1e-5);
  const at::Tensor bias = random({q.size(0), 1, q.size(2), k.size(2)});
  EXPECT_LE(relative_error(attention(q, k, v, bias), attended(q, k, v, bias)), 1e-5);
}

TEST_P(AttentionOf, a_token_sees_the_keys_up_to_its_own_place_behind_the_cached_ones) {
  const std::int64_t queries = q.size(2), keys = k.size(2);
  if (queries > keys) return;
  at::Tensor mask = at::zeros({1, 1, queries, keys});
  for (std::int64_t t = 0; t < queries; ++t)
    mask[0][0][t].slice(0, keys - queries + t + 1).fill_(-std::numeric_limits<float>::infinity());
  EXPECT_LE(relative_error(causal_attention(q, k, v), attended(q, k, v, mask)), 1e-5);
}

TEST_P(AttentionOf, takes_what_is_not_contiguous) {
  const auto scattered = [](const at::Tensor& x) { return x.transpose(1, 2).contiguous().transpose(1, 2); };
  EXPECT_LE(relative_error(attention(scattered(q), scattered(k), scattered(v)), attention(q, k, v)), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionOf,
                         testing::Values(std::tuple{1, 1, 1, 1, 2}, std::tuple{2, 3, 5, 5, 8},
                                         std::tuple{1, 4, 1, 17, 16}, std::tuple{1, 2, 7, 19, 4},
                                         std::tuple{1, 2, 64, 64, 32}));

TEST(Heads, are_split_and_merged_without_loss) {
  const at::Tensor x = random({2, 5, 12});
  const at::Tensor heads = split_heads(x, 3);
  EXPECT_EQ(heads.sizes(), (std::vector<std::int64_t>{2, 3, 5, 4}));
  EXPECT_TRUE(at::equal(heads[1][2][4], x[1][4].slice(0, 8, 12)));
  EXPECT_TRUE(at::equal(merge_heads(heads), x));
}

TEST(Linear, is_a_product_with_the_transposed_weight_and_a_bias) {
  for (const std::int64_t rows : {0, 1, 7}) {
    const at::Tensor x = random({rows, 5}), bias = random({3});
    const Weight weight{random({3, 5})};
    const at::Tensor product = at::matmul(wide(x), wide(dense(weight)).t());
    EXPECT_LE(relative_error(linear(x, weight), product), 1e-6) << rows;
    EXPECT_LE(relative_error(linear(x, weight, bias), product + wide(bias)), 1e-6) << rows;
  }
}

TEST(RmsNorm, scales_by_the_root_of_the_mean_square) {
  const at::Tensor x = random({3, 4, 10}) * 5, weight = random({10});
  const at::Tensor expected = wide(x) / (wide(x).square().mean(-1, true) + 1e-5).sqrt() * wide(weight);
  EXPECT_LE(relative_error(rms_norm(x, weight, 1e-5), expected), 1e-6);
}

TEST(RmsNorm, of_bfloat16_is_computed_in_float32) {
  // The squares of such values are lost in bfloat16's eight bits when they are added up.
  const at::Tensor x = random({2, 4096}, at::kBFloat16), weight = at::ones({4096}, at::kBFloat16);
  const at::Tensor expected = wide(x) / (wide(x).square().mean(-1, true) + 1e-5).sqrt();
  EXPECT_TRUE(at::equal(rms_norm(x, weight, 1e-5), expected.to(at::kFloat).to(at::kBFloat16)));
}

TEST(LayerNorm, has_mean_0_and_variance_1_before_weight_and_bias) {
  const at::Tensor x = random({3, 10}) + 7, weight = random({10}), bias = random({10});
  const at::Tensor centred = wide(x) - wide(x).mean(-1, true);
  const at::Tensor expected =
      centred / (centred.square().mean(-1, true) + 1e-6).sqrt() * wide(weight) + wide(bias);
  EXPECT_LE(relative_error(layer_norm(x, weight, bias, 1e-6), expected), 1e-5);
}

TEST(LayerNorm, of_a_map_is_over_its_channels) {
  const at::Tensor map = random({2, 6, 3, 5}), weight = random({6}), bias = random({6});
  const at::Tensor rows = layer_norm(map.permute({0, 2, 3, 1}).contiguous(), weight, bias, 1e-6);
  EXPECT_LE(relative_error(layer_norm_2d(map, weight, bias, 1e-6), rows.permute({0, 3, 1, 2})), 1e-6);
}

}  // namespace
}  // namespace medplib::core
