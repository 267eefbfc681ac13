// Choosing tokens: greedy, and drawn with a seed.
#include "generate/sampler.h"
#include "support/golden_session.h"

#include <limits>
#include <map>

namespace medplib::test {

using core::AskOptions;
using core::Sampler;

namespace {

std::map<core::TokenId, int> draws(const AskOptions& options, const at::Tensor& logits, int times) {
  Sampler sampler(options);
  std::map<core::TokenId, int> counts;
  for (int i = 0; i < times; ++i) ++counts[sampler.choose(logits).token];
  return counts;
}

}  // namespace

TEST(Sampler, greedy_takes_the_highest_the_first_of_equals_and_tells_its_lead) {
  const core::Choice choice = Sampler({}).choose(at::tensor({0.5F, 2.0F, 1.5F, 2.0F}));
  EXPECT_EQ(choice.token, 1);
  EXPECT_EQ(choice.lead, 0);
  EXPECT_FLOAT_EQ(static_cast<float>(Sampler({}).choose(at::tensor({3.0F, 1.0F})).lead), 2.0F);
}

TEST(Sampler, drawn_tokens_come_as_often_as_they_are_probable) {
  const at::Tensor logits = at::tensor({0.8, 0.15, 0.05}).log().to(at::kFloat);
  const auto counts = draws({.temperature = 1, .seed = 3}, logits, 20000);
  EXPECT_NEAR(counts.at(0) / 20000.0, 0.8, 0.02);
  EXPECT_NEAR(counts.at(1) / 20000.0, 0.15, 0.02);
}

TEST(Sampler, top_k_and_top_p_leave_the_improbable_out) {
  const at::Tensor logits = at::tensor({0.5, 0.3, 0.2}).log().to(at::kFloat);
  EXPECT_EQ(draws({.temperature = 1, .top_k = 1}, logits, 100).size(), 1U);
  EXPECT_EQ(draws({.temperature = 1, .top_k = 2}, logits, 1000).size(), 2U);
  EXPECT_EQ(draws({.temperature = 1, .top_p = 0.6}, logits, 1000).size(), 2U);
  EXPECT_EQ(draws({.temperature = 1, .top_p = 0.01}, logits, 100).size(), 1U);
}

TEST(Sampler, a_low_temperature_is_nearly_greedy) {
  const at::Tensor logits = at::tensor({1.0F, 1.1F, 0.9F});
  EXPECT_EQ(draws({.temperature = 1e-4}, logits, 100).size(), 1U);
}

TEST(Sampler, numbers_that_are_not_finite_are_an_error_of_the_weights) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(thrown_by([&] {
              (void)Sampler({}).choose(at::tensor({1.0F, nan}));
            }).code,
            core::ErrorCode::Format);
}

}  // namespace medplib::test
