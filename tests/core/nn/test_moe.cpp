// The feed-forward part of a language layer against what its definition says, token by token.
#include "nn/moe.h"
#include "weights/sources.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

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

INSTANTIATE_TEST_SUITE_P(Experts, MoeOf, testing::Values(Shape{2, 1}, Shape{3, 1}, Shape{3, 2}, Shape{5, 3}),
                         [](const auto& info) {
                           return std::to_string(info.param.experts) + "_of_which_" +
                                  std::to_string(info.param.top_k);
                         });

}  // namespace
}  // namespace medplib::core
