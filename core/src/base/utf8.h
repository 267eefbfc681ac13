// UTF-8: validity, code-point ends, and the white space that Python's str.strip knows.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace medplib::core {

// Strict: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_valid_utf8(std::string_view text);

// How many leading bytes are decided: all but a code point at the end that is cut short and could still be
// completed.
std::size_t complete_utf8_prefix(std::string_view text);

// The text with U+FFFD for every byte that is not part of a code point.
std::string replace_invalid_utf8(std::string_view text);

// Unicode white space (newlines included) taken off one side, as Python's lstrip and rstrip do.
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);

}  // namespace medplib::core
