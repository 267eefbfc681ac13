// UTF-8: validity, code-point ends, the white space that Python's str.strip knows, and words as people see
// them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace medplib::core {

// Strict: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_valid_utf8(std::string_view text);

// Returns the number of leading bytes that further ones can't change: all but an incomplete code point at the
// end.
std::size_t complete_utf8_prefix(std::string_view text);

// Returns the text with U+FFFD for every byte that is not part of a code point.
std::string replace_invalid_utf8(std::string_view text);

// Returns the text without Unicode white space (newlines included) on one side, as Python's lstrip and
// rstrip.
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);

// What a person wrote, as it is seen: white space, newlines included, is one space between words and none at
// the ends, and what shows nothing at all (control characters, zero-width spaces and joiners, soft hyphens,
// marks of direction, byte-order marks, variation selectors) is gone. Bytes that form no code point stay. A
// question, a phrase and a message pass through it once before they are asked, and what is trained once when
// it is read; the tokenizer and the prompt's own texts don't, since the published ones keep all of this.
std::string plain_words(std::string_view text);

}  // namespace medplib::core
