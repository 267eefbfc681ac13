// Pictures for tests of images: comparing them, and throwing away the folder they were written to.
#pragma once

#include <medplib/core/error.h>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace medplib::test {

// How many values differ; −1 when the shapes do.
inline int differences(const cv::Mat& left, const cv::Mat& right) {
  if (left.size() != right.size() || left.type() != right.type()) return -1;
  cv::Mat unequal;
  cv::compare(left.reshape(1), right.reshape(1), unequal, cv::CMP_NE);
  return cv::countNonZero(unequal);
}

// A folder of this test alone, removed with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::temp_directory_path() /
            core::text_of("medplib-", ::getpid(), '-', test->test_suite_name(), '-', test->name());
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The code and the sentence of the error that `act` throws.
struct Refusal {
  core::ErrorCode code = core::ErrorCode::Internal;
  std::string sentence = "nothing was thrown";
};
template <class Act>
Refusal refusal_of(const Act& act) {
  try {
    act();
  } catch (const core::Error& error) {
    return {error.code(), error.what()};
  }
  return {};
}

}  // namespace medplib::test
