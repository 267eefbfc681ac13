#include "base/files.h"
#include "support/temporary_folder.h"
#include "weights/safetensors.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>

namespace medplib::core {
namespace {

using testing::HasSubstr;

std::string length_of(std::uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i) & 0xff);
  return bytes;
}

std::string file_of(const std::string& header, std::size_t data_bytes = 0) {
  return length_of(header.size()) + header + std::string(data_bytes, '\0');
}

// The sentence with which a file of these bytes is refused; empty when it is not.
std::string refusal(const std::string& bytes) {
  const test::TemporaryFolder folder;
  write_file(folder / "x.safetensors", bytes);
  try {
    SafetensorsFile::open(folder / "x.safetensors");
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Format) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("x.safetensors"));
    return error.what();
  }
}

std::string entry(const std::string& type, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

TEST(Safetensors, every_type_comes_back_as_it_was_written) {
  const test::TemporaryFolder folder;
  std::vector<std::pair<std::string, at::Tensor>> written;
  for (const auto dtype : {at::kBool, at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kHalf,
                           at::kBFloat16, at::kFloat, at::kDouble}) {
    written.emplace_back(safetensors_type(dtype), at::arange(15).reshape({3, 5}).remainder(2).to(dtype));
  }
  written.emplace_back("scalar", at::scalar_tensor(2.5));
  written.emplace_back("empty", at::empty({0, 4}));
  written.emplace_back("transposed", at::arange(6, at::kFloat).reshape({2, 3}).t());
  write_safetensors(folder / "all.safetensors", written, {{"format", "pt"}});

  const auto file = SafetensorsFile::open(folder / "all.safetensors");
  EXPECT_EQ(file.entries().size(), written.size());
  EXPECT_EQ(file.metadata().at("format"), "pt");
  for (const auto& [name, tensor] : written) {
    EXPECT_EQ(file.tensor(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(file.tensor(name), tensor)) << name;
  }
}

TEST(Safetensors, a_tensor_outlives_the_file_object) {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "x", {{"a", at::ones({1000})}});
  const auto tensor = SafetensorsFile::open(folder / "x").tensor("a");
  EXPECT_EQ(tensor.sum().item<float>(), 1000);
}

TEST(Safetensors, a_tensor_that_the_file_does_not_align_is_read_all_the_same) {
  const test::TemporaryFolder folder;
  const std::string header =
      R"({"a":)" + entry("U8", "[1]", "[0,1]") + R"(,"b":)" + entry("F32", "[1]", "[1,5]") + "}";
  write_file(folder / "x", length_of(header.size()) + header + std::string("\1\0\0\x80\x3f", 5));
  EXPECT_EQ(SafetensorsFile::open(folder / "x").tensor("b").item<float>(), 1.0F);
}

TEST(Safetensors, an_absent_file_folder_or_tensor_is_not_found) {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "x", {{"a", at::ones({1})}});
  const auto code = [](const auto& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::Internal;
  };
  EXPECT_EQ(code([&] { SafetensorsFile::open(folder / "none"); }), ErrorCode::NotFound);
  EXPECT_EQ(code([&] { SafetensorsFile::open(folder.path()); }), ErrorCode::NotFound);
  EXPECT_EQ(code([&] { SafetensorsFile::open(folder / "x").tensor("b"); }), ErrorCode::NotFound);
}

TEST(Safetensors, a_header_that_is_none_is_refused) {
  EXPECT_THAT(refusal(""), HasSubstr("truncated"));
  EXPECT_THAT(refusal("1234567"), HasSubstr("truncated"));
  EXPECT_THAT(refusal(length_of(0)), HasSubstr("'{'"));
  EXPECT_THAT(refusal(length_of(50) + "{}"), HasSubstr("truncated"));
  EXPECT_THAT(refusal(length_of(100'000'001) + "{}"), HasSubstr("at most"));
  EXPECT_THAT(refusal(length_of(~std::uint64_t{0}) + "{}"), HasSubstr("at most"));
  EXPECT_THAT(refusal(file_of("[]")), HasSubstr("'{'"));
  EXPECT_THAT(refusal(file_of("{\"a\":")), HasSubstr("JSON"));
  EXPECT_THAT(refusal(file_of("{\"\xff\":1}")), HasSubstr("JSON"));
  EXPECT_THAT(refusal(file_of("{\"a\":" + std::string(1'000'000, '['))), HasSubstr("deep"));
  EXPECT_THAT(refusal(file_of(R"({"__metadata__":{"a":1}})")), HasSubstr("not text"));
  EXPECT_THAT(refusal(file_of(R"({"__metadata__":[]})")), HasSubstr("__metadata__"));
  EXPECT_EQ(refusal(file_of("{}   ")), "");
}

TEST(Safetensors, an_entry_that_cannot_be_is_refused_with_the_name_of_the_tensor) {
  const auto refused = [](const std::string& value, std::size_t data_bytes = 8) {
    std::string sentence = refusal(file_of(R"({"the.tensor":)" + value + "}", data_bytes));
    EXPECT_THAT(sentence, HasSubstr("the.tensor"));
    return sentence;
  };
  EXPECT_EQ(refusal(file_of(R"({"a":)" + entry("F32", "[2]", "[0,8]") + "}", 8)), "");
  EXPECT_THAT(refused("1"), HasSubstr("not a JSON object"));
  EXPECT_THAT(refused("{}"), HasSubstr("dtype"));
  EXPECT_THAT(refused(entry("F31", "[2]", "[0,8]")), HasSubstr("F31"));
  EXPECT_THAT(refused(entry("F32", "2", "[0,8]")), HasSubstr("shape"));
  EXPECT_THAT(refused(entry("F32", "[-2]", "[0,8]")), HasSubstr("whole numbers"));
  EXPECT_THAT(refused(entry("F32", "[2.0]", "[0,8]")), HasSubstr("whole numbers"));
  EXPECT_THAT(refused(entry("F32", "[18446744073709551615]", "[0,8]")), HasSubstr("18446744073709551615"));
  EXPECT_THAT(refused(entry("F32", "[4611686018427387904,4]", "[0,8]")), HasSubstr("larger than any memory"));
  EXPECT_THAT(refused(entry("F32", "[0,4611686018427387904,4]", "[0,0]"), 0),
              HasSubstr("larger than any memory"));
  EXPECT_THAT(refused(entry("U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,8]", "[0,8]")), HasSubstr("dimensions"));
  EXPECT_THAT(refused(entry("F32", "[2]", "[0,8,9]")), HasSubstr("two"));
  EXPECT_THAT(refused(entry("F32", "[2]", "[8,0]")), HasSubstr("8 to 0"));
  EXPECT_THAT(refused(entry("F32", "[2]", "[-8,0]")), HasSubstr("whole numbers"));
  EXPECT_THAT(refused(entry("F32", "[2]", "[0,8]"), 4), HasSubstr("4 bytes of data"));
  EXPECT_THAT(refused(entry("F32", "[3]", "[0,8]")), HasSubstr("need 12"));
}

TEST(Safetensors, bytes_that_belong_to_two_tensors_or_to_none_are_refused) {
  const auto two = [](const std::string& a, const std::string& b) {
    return refusal(
        file_of(R"({"a":)" + entry("F32", "[1]", a) + R"(,"b":)" + entry("F32", "[1]", b) + "}", 8));
  };
  EXPECT_EQ(two("[0,4]", "[4,8]"), "");
  EXPECT_EQ(two("[4,8]", "[0,4]"), "");
  EXPECT_THAT(two("[0,4]", "[0,4]"), HasSubstr("inside the one before"));
  EXPECT_THAT(two("[0,4]", "[2,6]"), HasSubstr("'b'"));
  EXPECT_THAT(refusal(file_of(R"({"a":)" + entry("F32", "[1]", "[4,8]") + "}", 8)),
              HasSubstr("starts at byte 4"));
  EXPECT_THAT(refusal(file_of(R"({"a":)" + entry("F32", "[1]", "[0,4]") + "}", 8)),
              HasSubstr("end at byte 4"));
}

TEST(Safetensors, a_name_or_key_given_twice_is_refused) {
  const auto a = R"("a":)" + entry("F32", "[1]", "[0,4]");
  EXPECT_THAT(refusal(file_of("{" + a + "," + a + "}", 4)), HasSubstr("\"a\" twice"));
  EXPECT_THAT(refusal(file_of(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4)),
              HasSubstr("\"dtype\" twice"));
}

TEST(Safetensors, a_bool_other_than_0_and_1_is_refused_when_it_is_read) {
  const test::TemporaryFolder folder;
  const std::string header = R"({"a":)" + entry("BOOL", "[1]", "[0,1]") + "}";
  write_file(folder / "x", length_of(header.size()) + header + "\2");
  EXPECT_THROW(SafetensorsFile::open(folder / "x").tensor("a"), Error);
}

TEST(Safetensors, a_file_with_bytes_changed_or_cut_off_is_read_or_refused_but_never_crashes) {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "x", {{"a", at::ones({2, 3})}, {"b", at::ones({4}).to(at::kHalf)}},
                    {{"format", "pt"}});
  const std::string good = read_file(folder / "x");
  std::mt19937 random(1);
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = good.substr(0, round % 2 == 0 ? good.size() : random() % good.size());
    for (int change = 0; change < 3 && !bytes.empty(); ++change)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    write_file(folder / "y", bytes);
    try {
      const auto file = SafetensorsFile::open(folder / "y");
      for (const auto& [name, each] : file.entries()) file.tensor(name).sum();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Format) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(Safetensors, writing_what_the_format_cannot_hold_is_refused_and_leaves_nothing) {
  const test::TemporaryFolder folder;
  EXPECT_THROW(write_safetensors(folder / "x", {{"a", at::ones({1})}, {"a", at::ones({1})}}), Error);
  EXPECT_THROW(write_safetensors(folder / "x", {{"a", at::ones({1}, at::kComplexFloat)}}), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace medplib::core
