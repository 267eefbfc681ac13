// UTF-8: validity, code-point ends, and the white space that Python's str.strip knows.
#pragma once

#include <cstddef>
#include <string_view>

namespace medplib::core {

bool is_valid_utf8(std::string_view text);

// How many leading bytes of `text` form whole code points: the rest waits for what comes next.
std::size_t complete_utf8_prefix(std::string_view text);

// Unicode white space (newlines included) taken off one side, as Python's lstrip and rstrip do.
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);

}  // namespace medplib::core
