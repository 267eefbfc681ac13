// The feed-forward part of a language layer against what its definition says, token by token.
#include "nn/moe.h"
#include "weights/sources.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

namespace medplib::core {
namespace {

struct Shape {
  std::int64_t experts, top_k;
  friend void PrintTo(const Shape& shape, std::ostream* out) {
    *out << shape.top_k << " of " << shape.experts;
  }
};

class MoeOf : public testing::TestWithParam<Shape> {};

// Σ over the k most probable experts of probability · expert(token); the probabilities of several sum to 1.
TEST_P(MoeOf, each_token_gets_what_its_experts_say) {
  const c10::NoGradGuard no_grad;
  const auto [experts, top_k] = GetParam();
  LanguageConfig config;
  config.hidden = 12;
  config.ffn = 20;
  config.moe.top_k = top_k;
  FreshParameters parameters(3);
  const Moe moe(Scope(parameters, "moe"), config, experts);
  for (const auto& [name, value] : parameters.all()) value.detach().mul_(20);  // far from an even choice
  std::vector<SwiGlu> each;
  for (std::int64_t e = 0; e < experts; ++e) {
    FreshParameters same(3);
    each.emplace_back(Scope(same, "moe") / "experts" / e, config.hidden, config.ffn);
    for (const auto& [name, value] : same.all()) value.detach().mul_(20);
  }
  const at::Tensor router = parameters.all().front().second;
  ASSERT_EQ(router.sizes(), (at::IntArrayRef{experts, config.hidden}));

  at::manual_seed(5);
  const at::Tensor x = at::randn({2, 15, config.hidden});
  Routing routing;
  const at::Tensor got = moe(x, &routing).view({30, config.hidden});
  const at::Tensor tokens = x.view({30, config.hidden});
  for (std::int64_t t = 0; t < 30; ++t) {
    const at::Tensor p = at::softmax(router.mv(tokens[t]), 0);
    const auto [best, chosen] = p.topk(top_k);
    const at::Tensor weights = top_k == 1 ? best : best / best.sum();
    at::Tensor expected = at::zeros({config.hidden});
    for (std::int64_t k = 0; k < top_k; ++k)
      expected = expected + weights[k] * each[static_cast<std::size_t>(chosen[k].item<std::int64_t>())](
                                             tokens.narrow(0, t, 1))[0];
    EXPECT_LT((got[t] - expected).norm().item<double>(), 1e-4 * expected.norm().item<double>())
        << "token " << t;
  }
  EXPECT_EQ(std::get<0>(at::_unique(routing.experts)).numel(), experts) << "every expert was needed";
}

TEST(Moe, runs_no_expert_that_no_token_chose) {
  const c10::NoGradGuard no_grad;
  LanguageConfig config;
  config.hidden = 12;
  config.ffn = 20;
  constexpr std::int64_t experts = 40;
  for (const std::int64_t tokens : {1, 30}) {
    FreshParameters parameters(3);
    const Moe moe(Scope(parameters, "moe"), config, experts);
    at::manual_seed(5);
    const at::Tensor x = at::randn({1, tokens, config.hidden});
    Routing routing;
    const at::Tensor before = moe(x, &routing);
    for (std::int64_t e = 0; e < experts; ++e) {
      if ((routing.experts == e).any().item<bool>()) continue;
      const std::string spoilt = "moe.experts." + std::to_string(e) + ".";
      for (const auto& [name, value] : parameters.all())
        if (name.starts_with(spoilt)) value.detach().fill_(std::numeric_limits<float>::quiet_NaN());
    }
    EXPECT_TRUE(at::equal(moe(x, nullptr), before)) << tokens << " tokens";
  }
}

ExpertCapacity capacity_of(double factor, std::uint64_t seed = 1) {
  return {.factor = factor, .random = at::detail::createCPUGenerator(seed)};
}

std::int64_t count(const at::Tensor& taken, std::int64_t expert) {
  return (taken == expert).sum().item<std::int64_t>();
}

TEST(ExpertCapacity, is_the_even_share_times_the_factor_rounded_up) {
  EXPECT_EQ(capacity_of(1.5).places(10, 1, 2), 8);
  EXPECT_EQ(capacity_of(1.0).places(10, 1, 3), 4);
  EXPECT_EQ(capacity_of(1.0).places(10, 2, 4), 5);
  EXPECT_EQ(capacity_of(0.1).places(1, 1, 2), 1);
  EXPECT_EQ(capacity_of(2.0).places(11, 1, 2), 11) << "nobody is ever dropped";
}

TEST(ExpertCapacity, no_expert_keeps_more_and_what_it_keeps_chose_it) {
  at::Generator random = at::detail::createCPUGenerator(2);
  for (const std::int64_t k : {1, 2})
    for (const std::int64_t experts : {2, 5})
      for (const std::int64_t tokens : {1, 7, 64})
        for (const std::int64_t capacity : {1, 3, 20, 1000}) {
          const at::Tensor chosen =
              at::rand({tokens, experts}, random).argsort(std::int64_t{1}).narrow(1, 0, k);
          const at::Tensor kept = keep_within(capacity, chosen, experts, random);
          EXPECT_TRUE(((kept == chosen) | (kept == -1)).all().item<bool>());
          for (std::int64_t e = 0; e < experts; ++e)
            EXPECT_EQ(count(kept, e), std::min(count(chosen, e), capacity));
        }
}

// 30 of 40 tokens chose expert 0, which keeps 12: each is dropped 18 times of 30, whatever its place. Of
// 2,000 draws a share has a deviation of .011.
TEST(ExpertCapacity, each_token_is_as_likely_to_be_dropped) {
  at::Generator random = at::detail::createCPUGenerator(3);
  const at::Tensor chosen = (at::arange(40) % 4 == 3).to(at::kLong).unsqueeze(1);
  at::Tensor dropped = at::zeros({40}, at::kLong);
  constexpr int draws = 2000;
  for (int i = 0; i < draws; ++i) dropped += keep_within(12, chosen, 2, random).squeeze(1) == -1;
  for (std::int64_t t = 0; t < 40; ++t)
    EXPECT_NEAR(static_cast<double>(dropped[t].item<std::int64_t>()) / draws, t % 4 == 3 ? 0 : 0.6, 0.05)
        << t;
}

TEST(ExpertCapacity, is_drawn_from_its_seed_alone) {
  const at::Tensor chosen = at::zeros({50, 1}, at::kLong);
  const auto drawn = [&](std::uint64_t seed) {
    return keep_within(20, chosen, 2, at::detail::createCPUGenerator(seed));
  };
  EXPECT_TRUE(at::equal(drawn(1), drawn(1)));
  EXPECT_FALSE(at::equal(drawn(1), drawn(2)));
}

// What a dropped token gets is 0, and it teaches neither the experts nor, through them, the router.
TEST(ExpertCapacity, a_dropped_token_gets_nothing_and_teaches_nothing) {
  LanguageConfig config;
  config.hidden = 12;
  config.ffn = 20;
  FreshParameters parameters(3);
  const Moe moe(Scope(parameters, "moe"), config, 2);
  at::manual_seed(5);
  const at::Tensor x = at::randn({2, 20, config.hidden}).requires_grad_(true);
  Routing routing;
  const ExpertCapacity capacity = capacity_of(0.5);
  const at::Tensor got = moe(x, &routing, &capacity).view({40, config.hidden}),
                   all = moe(x, nullptr).view_as(got);
  const at::Tensor kept = got.abs().sum(1) > 0;
  for (std::int64_t e = 0; e < 2; ++e)
    EXPECT_EQ(count(routing.experts.squeeze(1).index({kept}), e),
              std::min<std::int64_t>(count(routing.experts, e), 10));
  EXPECT_TRUE(at::allclose(got.index({kept}), all.index({kept})));
  got.sum().backward();
  const at::Tensor taught = x.grad().view({40, config.hidden}).abs().sum(1) > 0;
  EXPECT_TRUE(at::equal(taught, kept));
}

TEST(ExpertCapacity, one_that_holds_all_changes_nothing) {
  const c10::NoGradGuard no_grad;
  LanguageConfig config;
  config.hidden = 12;
  config.ffn = 20;
  FreshParameters parameters(3);
  const Moe moe(Scope(parameters, "moe"), config, 2);
  const ExpertCapacity capacity = capacity_of(2.0);
  for (const std::int64_t tokens : {1, 30}) {
    const at::Tensor x = at::randn({1, tokens, config.hidden});
    EXPECT_TRUE(at::equal(moe(x, nullptr), moe(x, nullptr, &capacity)));
  }
}

INSTANTIATE_TEST_SUITE_P(Experts, MoeOf, testing::Values(Shape{2, 1}, Shape{3, 1}, Shape{3, 2}, Shape{5, 3}),
                         [](const auto& info) {
                           return std::to_string(info.param.experts) + "_of_which_" +
                                  std::to_string(info.param.top_k);
                         });

}  // namespace
}  // namespace medplib::core
