// A weight gives the same product in every form, with an adapter and without.
#include "ops/embedding.h"
#include "ops/linear.h"
#include "ops/moe_ffn.h"
#include "support/golden.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

namespace medplib::core {
namespace {

using test::relative_error;

Weight int8_weight(std::int64_t rows, std::int64_t columns) {
  return {.stored = Int8Rows{at::randint(-127, 128, {rows, columns}, at::kChar), at::rand({rows}) + 0.1}};
}

Lora some_lora(std::int64_t out, std::int64_t in) {
  return {.a = at::randn({3, in}), .b = at::randn({out, 3}), .alpha = 6};
}

TEST(Weight, stored_as_int8_is_each_row_times_its_scale) {
  const Weight weight = int8_weight(3, 5);
  const auto& [values, scales] = std::get<Int8Rows>(weight.stored);
  const at::Tensor made = dense(weight);
  for (std::int64_t row = 0; row < 3; ++row)
    EXPECT_TRUE(at::equal(made[row], values[row].to(at::kFloat) * scales[row]));
}

TEST(Linear, takes_a_quantised_weight_as_its_dense_values) {
  for (const std::int64_t rows : {1, 7}) {
    const Weight weight = int8_weight(6, 11);
    const at::Tensor x = at::randn({rows, 11}), bias = at::randn({6});
    EXPECT_TRUE(at::equal(linear(x, weight, bias), at::linear(x, dense(weight), bias)));
    const at::Tensor narrow = x.to(at::kBFloat16);
    EXPECT_EQ(linear(narrow, weight).scalar_type(), at::kBFloat16);
  }
}

TEST(Linear, with_an_adapter_is_the_merged_weight) {
  Weight weight = int8_weight(6, 11);
  const at::Tensor x = at::randn({2, 4, 11}), bias = at::randn({6}), without = linear(x, weight, bias);
  weight.adapter = some_lora(6, 11);
  const at::Tensor merged = at::linear(x, merge_lora(dense(weight), *weight.adapter), bias);
  EXPECT_LT(relative_error(linear(x, weight, bias), merged), 1e-5);
  EXPECT_GT(relative_error(without, merged), 1e-2);
}

TEST(Embedding, gives_the_rows_of_a_weight_in_every_form) {
  const at::Tensor ids = at::tensor({4, 0, 4, 2}, at::kLong).view({2, 2});
  Weight weight = int8_weight(5, 8);
  EXPECT_TRUE(at::equal(embedding(ids, weight, 0), at::embedding(dense(weight), ids)));
  weight.adapter = some_lora(5, 8);
  const at::Tensor merged = merge_lora(dense(weight), *weight.adapter);
  EXPECT_LT(relative_error(embedding(ids, weight, 0), at::embedding(merged, ids)), 1e-5);
  const at::Tensor plain = at::randn({5, 8});
  EXPECT_TRUE(at::equal(embedding(ids, {.stored = plain}, 0), at::embedding(plain, ids)));
}

TEST(Embedding, teaches_nothing_to_the_row_of_padding) {
  const at::Tensor rows = at::randn({3, 4}).set_requires_grad(true);
  embedding(at::tensor({0, 1}, at::kLong), {.stored = rows}, 0).sum().backward();
  EXPECT_EQ(rows.grad()[0].abs().sum().item<float>(), 0);
  EXPECT_EQ(rows.grad()[1].sum().item<float>(), 4);
}

TEST(MoeFfn, is_the_sum_of_the_chosen_experts_by_their_shares) {
  constexpr std::int64_t hidden = 6, ffn = 9, count = 3;
  std::vector<SwiGluWeights> experts;
  for (std::int64_t i = 0; i < count; ++i)
    experts.push_back({.gate = {.stored = at::randn({ffn, hidden})},
                       .up = int8_weight(ffn, hidden),
                       .down = {.stored = at::randn({hidden, ffn})}});
  for (const std::int64_t tokens : {1, 2, 17})
    for (const std::int64_t k : {1, 2}) {
      const at::Tensor x = at::randn({tokens, hidden});
      const auto [shares, chosen] = at::softmax(at::randn({tokens, count}), -1).topk(k, -1);
      const at::Tensor got = moe_ffn(x, chosen, shares, experts);
      for (std::int64_t t = 0; t < tokens; ++t) {
        at::Tensor expected = at::zeros({hidden});
        for (std::int64_t rank = 0; rank < k; ++rank) {
          const SwiGluWeights& expert =
              experts[static_cast<std::size_t>(chosen[t][rank].item<std::int64_t>())];
          const at::Tensor gate = at::mv(dense(expert.gate), x[t]), up = at::mv(dense(expert.up), x[t]);
          expected = expected + shares[t][rank] * at::mv(dense(expert.down), at::silu(gate) * up);
        }
        EXPECT_LT(relative_error(got[t], expected), 1e-5) << tokens << " tokens, top " << k;
      }
    }
}

}  // namespace
}  // namespace medplib::core
