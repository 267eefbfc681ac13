#include "base/json.h"

#include <medplib/core/error.h>
#include <medplib/core/runtime.h>

#include <ATen/Parallel.h>
#include <torch/version.h>

namespace medplib::core {

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr const char* built = "sanitized";
#elif defined(NDEBUG)
constexpr const char* built = "release";
#else
constexpr const char* built = "debug";
#endif

}  // namespace

std::string build_info_json() {
  const Json info = {
      {"version", version()}, {"torch", TORCH_VERSION}, {"compiler", __VERSION__}, {"built", built}};
  return info.dump();
}

void set_threads(int threads) {
  if (threads < 1)
    fail(ErrorCode::InvalidArgument, threads, " threads cannot compute anything; give at least 1.");
  at::set_num_threads(threads);
}

int threads() { return at::get_num_threads(); }

}  // namespace medplib::core
