#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace medplib::core {
namespace {

TEST(Utf8, code_points_of_every_length_are_valid) {
  for (const char* text : {"", "a", "\x7F", "\u0080", "\u07FF", "\u0800", "\uD7FF", "\uE000", "\uFFFF",
                           "\U00010000", "\U0010FFFF", "liver \u809D \U0001F600"})
    EXPECT_TRUE(is_valid_utf8(text)) << text;
  EXPECT_TRUE(is_valid_utf8(std::string_view("a\0b", 3)));
}

TEST(Utf8, bytes_that_form_no_code_point_are_refused) {
  for (const char* text : {"\x80", "a\xBF", "\xC2", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xE4\xB8",
                           "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF0\x9F\x98",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE4\x41\x80"})
    EXPECT_FALSE(is_valid_utf8(text)) << testing::PrintToString(std::string(text));
}

TEST(Utf8, a_code_point_cut_short_waits_for_its_rest) {
  const std::string text = "a\u00e9\u809D\U0001F600";
  const std::size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
  for (std::size_t length = 0; length <= text.size(); ++length)
    EXPECT_EQ(complete_utf8_prefix(std::string_view(text).substr(0, length)), ends[length]) << length;
}

TEST(Utf8, bytes_that_nothing_can_complete_do_not_wait) {
  for (const char* text : {"\x80", "\xC0", "\xE4\x41", "\xE0\x80", "\xED\xA0", "\xF4\x90", "\xFF"})
    EXPECT_EQ(complete_utf8_prefix(text), std::string(text).size())
        << testing::PrintToString(std::string(text));
  EXPECT_EQ(complete_utf8_prefix("\xE4\xB8\xE4"), 2U);
}

TEST(Utf8, each_invalid_byte_becomes_one_replacement_character) {
  EXPECT_EQ(replace_invalid_utf8("a\xE4\xB8z\xFF"), "a\uFFFD\uFFFDz\uFFFD");
  EXPECT_EQ(replace_invalid_utf8("\u809D"), "\u809D");
}

TEST(Utf8, white_space_is_what_python_takes_for_it) {
  const std::string spaces =
      "\t\n\v\f\r\x1C\x1D\x1E\x1F "
      "\u0085\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A"
      "\u2028\u2029\u202F\u205F\u3000";
  EXPECT_EQ(strip_left(spaces), "");
  EXPECT_EQ(strip_right(spaces), "");
  EXPECT_EQ(strip_left(spaces + "a" + spaces), "a" + spaces);
  EXPECT_EQ(strip_right(spaces + "a" + spaces), spaces + "a");
  for (const std::string other :
       {"\u200B", "\uFEFF", "\u180E", "\x1B", "\u2581", "\x85", "\xA0", "\U0001F600"}) {
    EXPECT_EQ(strip_left(other), other);
    EXPECT_EQ(strip_right(other), other);
  }
}

TEST(Words, white_space_of_any_kind_is_one_space_between_words) {
  for (const std::string space : {" ",      "  ",     "\t",     "\n",     "\r\n",   "\v",        "\f",
                                  "\x1C",   "\u0085", "\u00A0", "\u1680", "\u2002", "\u2009",    "\u200A",
                                  "\u2028", "\u2029", "\u202F", "\u205F", "\u3000", " \u00A0\n "})
    EXPECT_EQ(plain_words(space + "optic" + space + "disc" + space), "optic disc")
        << testing::PrintToString(space);
}

TEST(Words, what_shows_nothing_is_gone) {
  using namespace std::string_literals;
  for (const std::string& hidden :
       {"\0"s,     "\b"s,     "\x1B"s,       "\x7F"s,      "\u0080"s, "\u009F"s, "\u00AD"s,
        "\u034F"s, "\u061C"s, "\u180E"s,     "\u200B"s,    "\u200C"s, "\u200D"s, "\u200E"s,
        "\u200F"s, "\u202A"s, "\u202E"s,     "\u2060"s,    "\u2066"s, "\u2069"s, "\uFE0F"s,
        "\uFEFF"s, "\uFFF9"s, "\U000E0001"s, "\U000E0020"s}) {
    EXPECT_EQ(plain_words(hidden + "op" + hidden + "tic " + hidden + " disc" + hidden), "optic disc")
        << testing::PrintToString(hidden);
    EXPECT_EQ(plain_words(hidden), "") << testing::PrintToString(hidden);
  }
}

TEST(Words, what_is_seen_stays_letter_by_letter) {
  for (const std::string text : {"", "optic disc", "White Matter", "L4/5, 3 mm?", "\u809D\u81D3 \u00E9",
                                 "e\u0301", "\U0001F600", "\u2581", "<region></region>", "\u2800", "\u0600"})
    EXPECT_EQ(plain_words(text), text);
}

TEST(Words, bytes_that_are_no_text_stay_to_be_refused) {
  EXPECT_EQ(plain_words(" a\xFF \xC2"), "a\xFF \xC2");
}

}  // namespace
}  // namespace medplib::core
