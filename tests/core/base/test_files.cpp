#include "base/files.h"
#include "base/json.h"
#include "support/thrown.h"

#include <medplib/core/error.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

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

TEST_F(Files, a_name_with_a_nul_byte_is_refused_and_no_other_file_read_or_written) {
  write_file(folder_ / "x", "old");
  const fs::path name = folder_ / std::string("x\0y", 3);
  for (const test::Thrown& thrown :
       {test::thrown_by([&] { read_file(name); }), test::thrown_by([&] { sha256_of_file(name); }),
        test::thrown_by([&] { write_file(name, "new"); })}) {
    EXPECT_EQ(thrown.code, ErrorCode::InvalidArgument);
    EXPECT_NE(thrown.sentence.find("NUL"), std::string::npos) << thrown.sentence;
  }
  EXPECT_EQ(read_file(folder_ / "x"), "old");
  EXPECT_EQ(files_left(), 1U);
}

// What comes out of a pipe into which `write` is called with the names of its end.
std::string through_pipe(const std::function<void(const fs::path&)>& write) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  write(fs::path("/dev/fd") / std::to_string(ends[1]));
  ::close(ends[1]);
  std::string bytes(100, '\0');
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(::read(ends[0], bytes.data(), bytes.size()), 0)));
  ::close(ends[0]);
  return bytes;
}

TEST_F(Files, what_the_process_has_open_is_written_to_by_any_of_its_names) {
  EXPECT_EQ(through_pipe([](const fs::path& name) { write_file(name, "new"); }), "new");
  EXPECT_EQ(through_pipe(
                [](const fs::path& name) { write_file(fs::path("/proc/self/fd") / name.filename(), "new"); }),
            "new");
  EXPECT_EQ(through_pipe([this](const fs::path& name) {
              fs::create_symlink(name, folder_ / "link");
              EXPECT_TRUE(is_stream(folder_ / "link"));
              write_file(folder_ / "link", "new");
            }),
            "new");
  EXPECT_EQ(files_left(), 1U);
}

TEST_F(Files, what_is_open_and_a_file_is_written_on_where_it_stands) {
  const int file = ::open((folder_ / "x").c_str(), O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::write(file, "first ", 6), 6);
  write_file(fs::path("/dev/fd") / std::to_string(file), "second");
  ::close(file);
  EXPECT_EQ(read_file(folder_ / "x"), "first second");
  EXPECT_EQ(files_left(), 1U);
}

TEST_F(Files, what_is_not_open_is_told) {
  const test::Thrown thrown = test::thrown_by([] { write_file("/dev/fd/999", "new"); });
  EXPECT_EQ(thrown.code, ErrorCode::Io);
  EXPECT_NE(thrown.sentence.find("/dev/fd/999"), std::string::npos) << thrown.sentence;
}

TEST_F(Files, a_named_pipe_is_written_to_and_stays) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  const int reader = ::open((folder_ / "pipe").c_str(), O_RDONLY | O_NONBLOCK);
  EXPECT_TRUE(is_stream(folder_ / "pipe"));
  write_file(folder_ / "pipe", "new");
  std::array<char, 9> read{};
  EXPECT_EQ(::read(reader, read.data(), read.size()), 3);
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(folder_ / "pipe"));
}

TEST_F(Files, a_file_is_no_stream) {
  write_file(folder_ / "x", "");
  EXPECT_FALSE(is_stream(folder_ / "x") || is_stream(folder_ / "none") || is_stream(folder_ / "3"));
  EXPECT_TRUE(is_stream("/dev/null") && is_stream("/dev/stdout"));
  EXPECT_TRUE(is_standard_output("/dev/stdout") && is_standard_output("/proc/self/fd/1"));
  EXPECT_FALSE(is_standard_output("/dev/null") || is_standard_output(folder_ / "x"));
}

TEST_F(Files, a_picture_is_written_as_what_its_name_says_or_not_at_all) {
  for (const char* name : {"m.png", "M.PNG", "m", "/dev/stdout", "a.b/m", "brain.nii.png", ".png"})
    EXPECT_NO_THROW(check_png_name(name)) << name;
  for (const char* name : {"m.jpg", "m.JPEG", "m.tif", "m.tiff", "m.nii.gz", "m.nii", "m.npy", "m.dcm",
                           "m.bmp", "m.gif", "m.png.gz", "m.json"}) {
    const test::Thrown thrown = test::thrown_by([&] { check_png_name(name); });
    EXPECT_EQ(thrown.code, ErrorCode::InvalidArgument) << name;
    EXPECT_NE(thrown.sentence.find("written as PNG"), std::string::npos) << thrown.sentence;
  }
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
