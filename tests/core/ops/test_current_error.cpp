#include <medplib/core/current_error.h>

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <filesystem>
#include <functional>
#include <new>
#include <oneapi/dnnl/dnnl_common.hpp>
#include <stdexcept>
#include <string>

using namespace medplib::core;

namespace {

Error translated(const std::function<void()>& thrower) {
  try {
    thrower();
  } catch (...) {
    return current_error();
  }
  return {ErrorCode::Internal, "nothing was thrown"};
}

}  // namespace

TEST(Translate, our_own_errors_pass_unchanged) {
  const Error error = translated([] { fail(ErrorCode::Format, "The file is odd."); });
  EXPECT_EQ(error.code(), ErrorCode::Format);
  EXPECT_STREQ(error.what(), "The file is odd.");
}

TEST(Translate, memory_that_runs_out_on_the_host_has_one_code_whoever_notices) {
  EXPECT_EQ(translated([] { throw std::bad_alloc(); }).code(), ErrorCode::OutOfHostMemory);
  EXPECT_EQ(translated([] { CV_Error(cv::Error::StsNoMem, "no memory"); }).code(),
            ErrorCode::OutOfHostMemory);
}

TEST(Translate, a_tensor_too_large_for_the_host_is_told_by_libtorchs_text) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer ends the program at such an allocation.";
#endif
  EXPECT_EQ(translated([] { at::empty({std::int64_t{1} << 50}); }).code(), ErrorCode::OutOfHostMemory);
}

TEST(Translate, the_devices_failures_are_told_from_the_engines) {
  EXPECT_EQ(translated([] { TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory."); }).code(),
            ErrorCode::OutOfDeviceMemory);
  EXPECT_EQ(translated([] {
              throw c10::AcceleratorError({"kernel", __FILE__, __LINE__}, 700, "illegal address");
            }).code(),
            ErrorCode::Device);
  EXPECT_EQ(translated([] { TORCH_CHECK(false, "shapes differ"); }).code(), ErrorCode::Internal);
}

TEST(Translate, onednn_out_of_memory_is_the_hosts) {
  const auto oom = ErrorCode::OutOfHostMemory;
  EXPECT_EQ(translated([] { throw dnnl::error(dnnl_out_of_memory, "could not create a primitive"); }).code(),
            oom);
  EXPECT_EQ(
      translated([] { throw dnnl::error(dnnl_invalid_arguments, "could not create an engine"); }).code(),
      oom);
  EXPECT_EQ(translated([] { throw dnnl::error(dnnl_unimplemented, "could not create a primitive"); }).code(),
            ErrorCode::Internal);
}

TEST(Translate, anything_else_becomes_a_code_and_keeps_its_text) {
  const Error error = translated([] { throw std::out_of_range("index 7"); });
  EXPECT_EQ(error.code(), ErrorCode::Internal);
  EXPECT_NE(std::string(error.what()).find("index 7"), std::string::npos);
  EXPECT_EQ(translated([] { throw std::filesystem::filesystem_error("rename", {}); }).code(), ErrorCode::Io);
  EXPECT_EQ(translated([] { throw 7; }).code(), ErrorCode::Internal);
}
