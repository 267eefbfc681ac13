// What a training does to the process that it runs in, which may be another program's.
#include "support/thrown.h"
#include "train/kept_memory.h"
#include "train/small_training.h"

#include <medplib/core/train.h>

#include <gtest/gtest.h>

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace medplib::core {
namespace {

#ifndef __SANITIZE_ADDRESS__  // it has a heap of its own
TEST(KeptMemory, large_blocks_are_kept_while_it_lives_and_given_back_behind_it) {
  constexpr std::size_t size = 64 << 20;
  const auto mapped =
      [] {  // bytes that a large block gets from the system, to be given back when it is freed
        const std::size_t before = mallinfo2().hblkhd;
        const std::vector<char> block(size);
        return mallinfo2().hblkhd - before + static_cast<std::size_t>(block.back());
      };
  {
    const KeptMemory kept;
    EXPECT_EQ(mapped(), 0U);
    EXPECT_GE(mallinfo2().fordblks, size) << "it was given back";
  }
  EXPECT_LT(mallinfo2().keepcost, size) << "it is still kept";
  EXPECT_GE(mapped(), size);
}
#endif

TEST(Train, a_forked_child_of_a_process_that_has_computed_is_refused) {
  const test::SmallTraining small;
  TrainOptions options;
  options.out = small.folder() / "out";
  plan_training(small.recipe(), options);
  const pid_t child = fork();
  if (child == 0)
    _exit(test::thrown_by([&] { train(small.recipe(), options); }).code == ErrorCode::State &&
                  test::thrown_by([&] { plan_training(small.recipe(), options); }).code == ErrorCode::State
              ? 0
              : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace medplib::core
