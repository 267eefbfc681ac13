#include "base/files.h"
#include "base/json.h"
#include "support/thrown.h"

#include <medplib/core/error.h>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace medplib::core {
namespace {

namespace fs = std::filesystem;

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "medplib-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::size_t files_left() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  fs::path folder_;
};

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::Internal;
}

TEST_F(Files, what_is_written_is_read_back) {
  const std::string bytes("a\0b\n", 4);
  write_file(folder_ / "x", bytes);
  EXPECT_EQ(read_file(folder_ / "x"), bytes);
  EXPECT_EQ(files_left(), 1U);
}

TEST_F(Files, a_writer_that_fails_leaves_the_old_file_and_no_other) {
  write_file(folder_ / "x", "old");
  EXPECT_THROW(write_file(folder_ / "x",
                          [](std::ostream& out) {
                            out << "half";
                            throw std::runtime_error("no more");
                          }),
               std::runtime_error);
  EXPECT_EQ(read_file(folder_ / "x"), "old");
  EXPECT_EQ(files_left(), 1U);
}

TEST_F(Files, a_full_disk_is_an_io_error_that_says_so) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full on this system";
  fs::create_symlink("/dev/full", folder_ / ("x.part" + std::to_string(::getpid())));
  const test::Thrown thrown = test::thrown_by([&] { write_file(folder_ / "x", std::string(100000, 'a')); });
  EXPECT_EQ(thrown.code, ErrorCode::Io);
  EXPECT_NE(thrown.sentence.find(std::strerror(ENOSPC)), std::string::npos) << thrown.sentence;
  EXPECT_EQ(files_left(), 0U);
}

TEST_F(Files, a_link_to_what_is_not_there_yet_leads_to_it) {
  fs::create_symlink("later", folder_ / "link");
  write_file(folder_ / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(folder_ / "later"), "new");
}

TEST_F(Files, a_link_to_itself_is_told) {
  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_EQ(test::thrown_by([&] { write_file(folder_ / "loop", "new"); }).code, ErrorCode::Io);
}

TEST_F(Files, a_link_stays_and_the_file_behind_it_is_replaced) {
  write_file(folder_ / "file", "old");
  fs::create_symlink(folder_ / "file", folder_ / "link");
  write_file(folder_ / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(folder_ / "file"), "new");
}

TEST_F(Files, a_device_is_written_to_and_not_replaced) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full on this system";
  fs::create_symlink("/dev/full", folder_ / "full");
  EXPECT_EQ(code_of([&] { write_file(folder_ / "full", std::string(100000, 'a')); }), ErrorCode::Io);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_EQ(files_left(), 1U);
}

TEST_F(Files, absent_files_folders_and_too_long_ones_have_their_codes) {
  EXPECT_EQ(code_of([&] { read_file(folder_ / "none"); }), ErrorCode::NotFound);
  EXPECT_EQ(code_of([&] { read_file(folder_); }), ErrorCode::NotFound);
  write_file(folder_ / "x", "12345");
  EXPECT_EQ(code_of([&] { read_file(folder_ / "x", 4); }), ErrorCode::Format);
}

TEST_F(Files, sha256_agrees_with_the_standard) {
  write_file(folder_ / "x", "abc");
  EXPECT_EQ(sha256_of_file(folder_ / "x"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(Files, json_errors_name_the_file_and_the_key) {
  write_file(folder_ / "x.json", "{\"a\": ");
  EXPECT_EQ(code_of([&] { read_json(folder_ / "x.json"); }), ErrorCode::Format);
  try {
    required<int>(parse_json("{\"a\": \"b\"}", "config"), "a", "config");
    FAIL() << "a string is no integer";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("\"a\" in config"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace medplib::core
