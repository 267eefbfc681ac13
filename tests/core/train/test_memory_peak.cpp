// What tensors take at most.
#include "train/memory_peak.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace medplib::core {
namespace {

TEST(MemoryPeak, is_what_tensors_took_at_once) {
  const at::Tensor before = at::empty({1 << 20});
  const MemoryPeak peak;
  EXPECT_EQ(peak.bytes(), 0);
  at::Tensor first = at::empty({3000});
  const at::Tensor second = at::empty({1000});
  first.reset();
  const at::Tensor third = at::empty({1000});
  EXPECT_EQ(peak.bytes(), 4000 * 4);
  const at::Tensor fourth = at::empty({3000});
  EXPECT_EQ(peak.bytes(), 5000 * 4);
}

}  // namespace
}  // namespace medplib::core
