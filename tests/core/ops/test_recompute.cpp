#include "ops/autocast.h"
#include "ops/lora.h"
#include "ops/recompute.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

namespace medplib::core {
namespace {

class Recomputing : public ::testing::Test {
 protected:
  // Two outputs of two inputs and a weight of its own; `runs` counts.
  Tensors layer(const Tensors& inputs) {
    ++runs_;
    const at::Tensor hidden = at::silu(at::linear(inputs[0], weight_));
    return {hidden * inputs[1], hidden.sum(1)};
  }

  // Gradients of both inputs, as far as they need one, and of the weight.
  Tensors gradients(bool again, bool of_inputs = true) {
    Tensors inputs{a_.clone(), b_.clone()};
    for (at::Tensor& input : inputs) input.set_requires_grad(of_inputs);
    weight_.mutable_grad() = at::Tensor();
    const auto run = [this](const Tensors& given) { return layer(given); };
    const Tensors outputs = again ? recomputed(run, inputs) : run(inputs);
    (outputs[0].square().sum() + (outputs[1] * 3).sum()).backward();
    Tensors result{outputs[0].detach(), weight_.grad().clone()};
    if (of_inputs) result.insert(result.end(), {inputs[0].grad(), inputs[1].grad()});
    return result;
  }

  at::Generator random_ = new_generator(at::kCPU);
  at::Tensor a_ = at::randn({4, 6}, random_), b_ = at::randn({4, 5}, random_),
             weight_ = at::randn({5, 6}, random_).requires_grad_();
  int runs_ = 0;
};

TEST_F(Recomputing, gives_the_same_values_and_gradients_to_the_bit) {
  for (const bool of_inputs : {true, false}) {
    const Tensors kept = gradients(false, of_inputs), again = gradients(true, of_inputs);
    ASSERT_EQ(kept.size(), again.size());
    for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(at::equal(kept[i], again[i])) << i;
  }
}

TEST_F(Recomputing, runs_again_in_the_backward_pass_alone) {
  const auto run = [this](const Tensors& given) { return layer(given); };
  const Tensors outputs = recomputed(run, {a_, b_});
  EXPECT_EQ(runs_, 1);
  outputs[0].sum().backward();
  EXPECT_EQ(runs_, 2);
  const c10::NoGradGuard no_grad;
  EXPECT_FALSE(recomputed(run, {a_, b_})[0].requires_grad());
}

TEST_F(Recomputing, gradients_are_the_slopes) {
  const auto value = [this](const at::Tensor& a) {
    const Tensors outputs =
        recomputed([this](const Tensors& given) { return layer(given); }, {a, b_.to(at::kDouble)});
    return outputs[0].square().sum() + (outputs[1] * 3).sum();
  };
  weight_ = weight_.detach().to(at::kDouble).requires_grad_();
  const at::Tensor a = a_.to(at::kDouble).requires_grad_();
  value(a).backward();
  const c10::NoGradGuard no_grad;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    at::Tensor up = a.detach().clone(), down = up.clone();
    up.view(-1)[i] += 1e-5, down.view(-1)[i] -= 1e-5;
    EXPECT_NEAR(a.grad().view(-1)[i].item<double>(), (value(up) - value(down)).item<double>() / 2e-5, 1e-6);
  }
}

TEST_F(Recomputing, draws_the_same_numbers_again_and_leaves_the_generator_where_it_was) {
  Dropout dropout{.share = 0.5, .random = new_generator(at::kCPU)};
  const auto run = [&](const Tensors& given) { return Tensors{drop_out(given[0] * 2, dropout)}; };
  const auto gradient = [&](bool again) {
    dropout.random.set_current_seed(3);
    const at::Tensor x = a_.clone().requires_grad_();
    const at::Tensor y = again ? recomputed(run, {x}, {dropout.random})[0] : run({x})[0];
    (void)at::rand({3}, dropout.random);
    y.sum().backward();
    return Tensors{y.detach(), x.grad(), at::rand({2}, dropout.random)};
  };
  const Tensors kept = gradient(false), again = gradient(true);
  for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(at::equal(kept[i], again[i])) << i;
}

TEST_F(Recomputing, takes_products_in_the_precision_of_the_first_time) {
  const auto gradient = [&](bool again) {
    const auto run = [&](const Tensors& given) { return Tensors{at::linear(given[0], weight_)}; };
    weight_.mutable_grad() = at::Tensor();
    const at::Tensor x = a_.clone().requires_grad_();
    at::Tensor y;
    {
      const Autocast narrow(true);
      y = again ? recomputed(run, {x})[0] : run({x})[0];
    }
    y.to(at::kFloat).square().sum().backward();
    return Tensors{x.grad(), weight_.grad().clone()};
  };
  const Tensors kept = gradient(false), again = gradient(true);
  for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(at::equal(kept[i], again[i])) << i;
}

}  // namespace
}  // namespace medplib::core
