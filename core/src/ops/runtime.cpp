#include "base/json.h"
#include "ops/threads.h"

#include <medplib/core/error.h>
#include <medplib/core/runtime.h>

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <atomic>

namespace medplib::core {

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr const char* built = "sanitized";
#elif defined(NDEBUG)
constexpr const char* built = "release";
#else
constexpr const char* built = "debug";
#endif

std::atomic<int> threads_set = 0;  // 0: not set

}  // namespace

std::string build_info_json() {
  const Json info = {
      {"version", version()}, {"torch", TORCH_VERSION}, {"compiler", __VERSION__}, {"built", built}};
  return info.dump();
}

void set_threads(int threads) {
  if (threads < 1 || threads > kMostThreads)
    fail(ErrorCode::InvalidArgument, threads, " threads cannot compute anything; give 1 to ", kMostThreads,
         ".");
  threads_set = threads;
  use_threads();
}

int threads() {
  const int set = threads_set;
  return set > 0 ? set : at::get_num_threads();
}

void use_threads() {
  const int set = threads_set;
  if (set > 0 && at::get_num_threads() != set) at::set_num_threads(set);
}

}  // namespace medplib::core
