// What an error says, and how long it may be.
#include "base/utf8.h"

#include <medplib/core/error.h>

#include <gmock/gmock.h>

namespace medplib::core {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Error, a_message_of_a_thousand_characters_stays_and_a_longer_one_loses_its_middle) {
  std::string thousand;
  for (int i = 0; i < 1000; ++i) thousand += "é";
  EXPECT_EQ(Error(ErrorCode::Format, thousand).what(), thousand);
  const std::string cut = Error(ErrorCode::Format, "first " + thousand + " last").what();
  EXPECT_TRUE(is_valid_utf8(cut));
  EXPECT_TRUE(cut.starts_with("first é") && cut.ends_with("é last"));
  EXPECT_THAT(cut, HasSubstr("é…é"));
  EXPECT_EQ(shortened(cut, 1000), cut);
  EXPECT_NE(shortened(cut, 999), cut);
}

TEST(Error, a_short_text_is_cut_at_any_length) {
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdef", 5), "ab…ef");
  EXPECT_EQ(shortened("abcdef", 4), "ab…f");
  EXPECT_EQ(shortened("", 4), "");
}

TEST(Error, its_details_are_copied_with_it_and_valid_text) {
  const Error error(ErrorCode::Format, "Two.", {"one", "t\xffwo"});
  const Error copy = error;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_THAT(copy.details(), ElementsAre("one", "t\xEF\xBF\xBDwo"));
  EXPECT_TRUE(Error(ErrorCode::Format, "None.").details().empty());
}

TEST(Error, a_list_in_a_sentence_names_five_and_counts_the_rest) {
  EXPECT_EQ(first_five({}), "");
  EXPECT_EQ(first_five({"a", "b"}), "a, b");
  EXPECT_EQ(first_five({"a", "b", "c", "d", "e"}), "a, b, c, d, e");
  EXPECT_EQ(first_five({"a", "b", "c", "d", "e", "f", "g"}), "a, b, c, d, e and 2 more");
  EXPECT_EQ(first_five({std::string(200, 'a')}, 5), "aa…aa");
}

TEST(Faults, list_with_nul__core__a_sentence_goes_on_behind_it) {
  const Error error(ErrorCode::Format, std::string("\"a.png\0x\" is none.", 18), {std::string("b\0c", 3)});
  EXPECT_STREQ(error.what(), "\"a.png\\0x\" is none.");
  EXPECT_EQ(error.details().front(), "b\\0c");
}

}  // namespace
}  // namespace medplib::core
