#include "base/utf8.h"

#include <algorithm>
#include <array>

namespace medplib::core {

namespace {

constexpr int kNoCodePoint = 0;  // the first byte cannot begin a code point, or what follows does not fit it
constexpr int kCutShort = -1;    // so far a code point, but the text ends

unsigned char byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

int length_by_first_byte(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  if (first >= 0xF0 && first <= 0xF4) return 4;
  return kNoCodePoint;
}

// The length of the code point at the front of a text that is not empty, or one of the two constants.
int leading_code_point(std::string_view text) {
  const unsigned char first = byte_at(text, 0);
  const int length = length_by_first_byte(first);
  for (int i = 1; i < length; ++i) {
    if (static_cast<std::size_t>(i) >= text.size()) return kCutShort;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (i == 1) {  // overlong forms, surrogates, above U+10FFFF
      if (first == 0xE0) low = 0xA0;
      if (first == 0xED) high = 0x9F;
      if (first == 0xF0) low = 0x90;
      if (first == 0xF4) high = 0x8F;
    }
    const unsigned char next = byte_at(text, static_cast<std::size_t>(i));
    if (next < low || next > high) return kNoCodePoint;
  }
  return length;
}

// `text` is one whole code point.
char32_t code_point(std::string_view text) {
  const unsigned char first = byte_at(text, 0);
  if (text.size() == 1) return first;
  char32_t value = first & (0x7FU >> text.size());
  for (const char next : text.substr(1)) value = (value << 6) | (static_cast<unsigned char>(next) & 0x3FU);
  return value;
}

// str.isspace of Python.
bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

struct CodePoints {
  char32_t first, last;
};

// Unicode's Default_Ignorable_Code_Point, its interlinear annotations, and control characters.
constexpr std::array kInvisible = {
    CodePoints{0x00, 0x1F},      CodePoints{0x7F, 0x9F},       CodePoints{0xAD, 0xAD},
    CodePoints{0x34F, 0x34F},    CodePoints{0x61C, 0x61C},     CodePoints{0x115F, 0x1160},
    CodePoints{0x17B4, 0x17B5},  CodePoints{0x180B, 0x180F},   CodePoints{0x200B, 0x200F},
    CodePoints{0x202A, 0x202E},  CodePoints{0x2060, 0x206F},   CodePoints{0x3164, 0x3164},
    CodePoints{0xFE00, 0xFE0F},  CodePoints{0xFEFF, 0xFEFF},   CodePoints{0xFFA0, 0xFFA0},
    CodePoints{0xFFF0, 0xFFFB},  CodePoints{0x1BCA0, 0x1BCA3}, CodePoints{0x1D173, 0x1D17A},
    CodePoints{0xE0000, 0xE0FFF}};

bool is_invisible(char32_t c) {
  return std::ranges::any_of(kInvisible,
                             [c](const CodePoints& range) { return c >= range.first && c <= range.last; });
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const int length = leading_code_point(text);
    if (length <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(length));
  }
  return true;
}

std::size_t complete_utf8_prefix(std::string_view text) {
  std::size_t decided = 0;
  while (decided < text.size()) {
    const int length = leading_code_point(text.substr(decided));
    if (length == kCutShort) break;
    decided += static_cast<std::size_t>(std::max(length, 1));
  }
  return decided;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const int length = leading_code_point(text);
    const auto taken = static_cast<std::size_t>(std::max(length, 1));
    valid += length > 0 ? text.substr(0, taken) : "\xEF\xBF\xBD";
    text.remove_prefix(taken);
  }
  return valid;
}

std::string_view strip_left(std::string_view text) {
  while (!text.empty()) {
    const int length = leading_code_point(text);
    if (length <= 0 || !is_space(code_point(text.substr(0, static_cast<std::size_t>(length))))) break;
    text.remove_prefix(static_cast<std::size_t>(length));
  }
  return text;
}

std::string_view strip_right(std::string_view text) {
  while (!text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && text.size() - begin < 4 && (byte_at(text, begin) & 0xC0) == 0x80) --begin;
    const std::string_view last = text.substr(begin);
    if (leading_code_point(last) != static_cast<int>(last.size()) || !is_space(code_point(last))) break;
    text.remove_suffix(last.size());
  }
  return text;
}

std::string plain_words(std::string_view text) {
  std::string plain;
  bool apart = false;  // there was white space since the last character
  while (!text.empty()) {
    const int length = leading_code_point(text);
    const std::string_view next = text.substr(0, static_cast<std::size_t>(std::max(length, 1)));
    text.remove_prefix(next.size());
    if (length > 0 && is_space(code_point(next))) {
      apart = true;
    } else if (length <= 0 || !is_invisible(code_point(next))) {
      if (apart && !plain.empty()) plain += ' ';
      apart = false;
      plain += next;
    }
  }
  return plain;
}

}  // namespace medplib::core
