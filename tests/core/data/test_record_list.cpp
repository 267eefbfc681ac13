// How a list is cut into its entries.
#include "base/files.h"
#include "data/record_list.h"
#include "support/temporary_folder.h"
#include "support/thrown.h"

#include <medplib/core/error.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace medplib::core {
namespace {

class RecordList : public ::testing::Test {
 protected:
  std::vector<ListEntry> entries(const std::string& text) const {
    write_file(list(), text);
    std::vector<ListEntry> found;
    for_each_entry(list(), [&](const ListEntry& entry) { found.push_back(entry); });
    return found;
  }

  std::string refusal(const std::string& text) const {
    const auto thrown = test::thrown_by([&] { entries(text); });
    EXPECT_EQ(thrown.code, ErrorCode::Format) << text;
    EXPECT_NE(thrown.sentence.find("list.json"), std::string::npos) << text << ": " << thrown.sentence;
    return thrown.sentence;
  }

  std::filesystem::path list() const { return folder_.path() / "list.json"; }

 private:
  test::TemporaryFolder folder_;
};

TEST_F(RecordList, is_cut_where_an_entry_ends_whatever_is_in_its_texts) {
  const std::vector<std::string> whole = {R"({"a": "]}, \"}]\\", "b": [{}, []]})",
                                          "[1, [2]]",
                                          "\"a, ]\\\\\"",
                                          "-1.50",
                                          "null",
                                          R"({"surrogate": "\ud83d"})"};
  const auto found = entries("\xEF\xBB\xBF\n[" + whole[0] + ",\n\n" + whole[1] + " ,\t" + whole[2] + ",\r\n" +
                             whole[3] + "," + whole[4] + "\n," + whole[5] + "] \n");
  ASSERT_EQ(found.size(), whole.size());
  const std::vector<std::int64_t> lines = {2, 4, 4, 5, 5, 6};
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(found[i].text, whole[i]);
    EXPECT_EQ(found[i].index, static_cast<std::int64_t>(i));
    EXPECT_EQ(found[i].line, lines[i]);
    EXPECT_GT(found[i].part, i > 0 ? found[i - 1].part : 0);
    EXPECT_LE(found[i].part, 1);
  }
  EXPECT_TRUE(entries(" [ ] ").empty());
}

TEST_F(RecordList, what_is_no_list_is_refused) {
  for (const char* text : {"", " ", "7", "{}", "\"[]\"", "{\"a\": [1]}", "{}\n{}\n", "\xFF\xFE["})
    EXPECT_NE(refusal(text).find("must hold a list of records"), std::string::npos) << text;
  EXPECT_NE(refusal("{}\n{}\n").find("JSON Lines"), std::string::npos);
  EXPECT_EQ(refusal("7").find("JSON Lines"), std::string::npos);
}

TEST_F(RecordList, what_stands_between_and_behind_entries_is_named_with_its_line) {
  for (const char* text :
       {"[", "[{}", "[{}\n{}]", "[{},\n]", "[{},\n,{}]", "[{}]\n]", "[{}]\nx", "[{}\nx{}]", "[{},"})
    EXPECT_NE(refusal(text).find("is not valid JSON"), std::string::npos) << text;
  EXPECT_NE(refusal("[{},\n{} {}]").find("in line 2, behind 2 records"), std::string::npos);
}

TEST_F(RecordList, an_entry_without_end_is_named) {
  for (const char* text : {"[{},\n{", "[{},\n[{}", "[{},\n\"a]", "[{},\n{\"a\": \"\\", "[{},\n{\"a\": \"}]"})
    EXPECT_NE(refusal(text).find("ends within record 1, which begins in line 2"), std::string::npos) << text;
  EXPECT_NE(refusal("[\"" + std::string(std::size_t{65} << 20, 'x') + "\"]").find("longer than 64 MiB"),
            std::string::npos);
}

}  // namespace
}  // namespace medplib::core
