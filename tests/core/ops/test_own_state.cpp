// What a host program has set for its own tensors neither changes ours nor is changed by us.
#include "ops/own_state.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace medplib::core {
namespace {

// A host that casts, without gradients.
class Host {
 public:
  Host() {
    at::autocast::set_autocast_dtype(at::kCPU, at::kHalf);
    at::autocast::set_autocast_enabled(at::kCPU, true);
  }
  ~Host() {
    at::autocast::set_autocast_enabled(at::kCPU, false);
    at::autocast::clear_cache();
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

 private:
  c10::InferenceMode inference_;
};

void expect_state_of_host() {
  EXPECT_TRUE(at::autocast::is_autocast_enabled(at::kCPU));
  EXPECT_EQ(at::autocast::get_autocast_dtype(at::kCPU), at::kHalf);
  EXPECT_TRUE(c10::InferenceMode::is_enabled());
  EXPECT_FALSE(c10::GradMode::is_enabled());
}

TEST(OwnState, computes_as_if_there_were_no_host_and_leaves_its_state) {
  const Host host;
  const at::Tensor ones = at::ones({2, 2}, at::kFloat);
  {
    const OwnState own;
    EXPECT_EQ(at::mm(ones, ones).scalar_type(), at::kFloat);
    const at::Tensor weight = at::ones({2, 2}, at::kFloat).requires_grad_(true);
    weight.sum().backward();
    EXPECT_TRUE(weight.grad().defined());
  }
  expect_state_of_host();
  EXPECT_EQ(at::mm(ones, ones).scalar_type(), at::kHalf);
}

TEST(OwnState, leaves_the_hosts_state_after_an_exception_too) {
  const Host host;
  const auto fail = [] {
    const OwnState own;
    throw std::runtime_error("within");
  };
  EXPECT_THROW(fail(), std::runtime_error);
  expect_state_of_host();
}

}  // namespace
}  // namespace medplib::core
