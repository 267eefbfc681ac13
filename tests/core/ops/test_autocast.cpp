// Training in bfloat16: what is drawn without gradients on the way must not cut the weights off from theirs.
#include "ops/autocast.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

namespace medplib::core {
namespace {

TEST(Autocast, gradients_arrive_after_a_look_without_any) {
  const at::Tensor weight = at::full({4, 4}, 0.5).requires_grad_(true), seen = at::ones({2, 4});
  const Autocast precision(true);
  at::Tensor looked;
  {
    const c10::NoGradGuard no_grad;
    looked = at::linear(seen, weight);
  }
  EXPECT_EQ(looked.scalar_type(), at::kBFloat16);
  EXPECT_FALSE(looked.requires_grad());
  at::linear(seen, weight).sum().backward();
  ASSERT_TRUE(weight.grad().defined());
  EXPECT_TRUE(weight.grad().equal(at::full({4, 4}, 2.0)));
}

}  // namespace
}  // namespace medplib::core
