#include "base/json.h"
#include "support/temporary_folder.h"
#include "support/thrown.h"

#include <gtest/gtest.h>

#include <functional>

namespace medplib::core {
namespace {

using test::TemporaryFolder;

TEST(LinedJson, knows_the_line_of_each_key_of_an_object) {
  const TemporaryFolder folder;
  const LinedJson read =
      read_lined_json(folder.write("a.json", "{\"a\": [1,\n 2],\n\n \"b\": {\"c\":\n 3}}"));
  EXPECT_EQ(read.json["b"]["c"], 3);
  EXPECT_EQ(read.place("a"), ", line 1");
  EXPECT_EQ(read.place("b"), ", line 4");
  EXPECT_EQ(read.place("c"), "");
}

TEST(LinedJson, knows_the_line_of_each_element_of_a_list_of_anything) {
  const TemporaryFolder folder;
  const LinedJson read =
      read_lined_json(folder.write("a.json", "[7,\n{\"a\": [1, 2]}, \"x\",\n[3,\n4],\nnull]"));
  EXPECT_EQ(read.json.size(), 5U);
  const std::map<std::string, std::int64_t> expected = {{"0", 1}, {"1", 2}, {"2", 2}, {"3", 3}, {"4", 5}};
  EXPECT_EQ(read.lines, expected);
}

TEST(LinedJson, a_key_that_stands_twice_is_refused_with_both_lines) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.json", "{\"a\": 1,\n\"b\": 2,\n\"a\": 3}");
  const test::Thrown thrown = test::thrown_by([&] { read_lined_json(file); });
  EXPECT_EQ(thrown.code, ErrorCode::Format);
  EXPECT_NE(thrown.sentence.find("line 1 and in line 3"), std::string::npos) << thrown.sentence;
}

TEST(LinedJson, is_the_json_that_is_read_without_lines) {
  const TemporaryFolder folder;
  for (const char* text : {"{}", "[]", "3", "[{\"a\": 1, \"a\": 2}]", "[[[]], {\"a\": [{}]}]"}) {
    const auto file = folder.write("a.json", text);
    EXPECT_EQ(read_lined_json(file).json, read_json(file)) << text;
  }
}

TEST(LinedJson, is_not_read_when_it_is_nested_too_deep_to_be_printed) {
  const TemporaryFolder folder;
  constexpr std::size_t kDepth = 500'000;
  const auto file =
      folder.write("a.json", "{\"a\": " + std::string(kDepth, '[') + std::string(kDepth, ']') + "}");
  for (const auto& read : {std::function<void()>([&] { read_json(file); }),
                           std::function<void()>([&] { read_lined_json(file); })})
    EXPECT_EQ(test::thrown_by(read).code, ErrorCode::Format);
}

TEST(LinedJson, says_where_a_text_stops_being_json) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.json", "{\"a\": 1,\n\"b\" 2}");
  const test::Thrown thrown = test::thrown_by([&] { (void)read_lined_json(file); });
  EXPECT_EQ(thrown.code, ErrorCode::Format);
  EXPECT_NE(thrown.sentence.find("line 2, column"), std::string::npos) << thrown.sentence;
}

}  // namespace
}  // namespace medplib::core
