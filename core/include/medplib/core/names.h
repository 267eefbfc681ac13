// The words for enumerators: the same in options, in JSON and in messages, at every interface.
#pragma once

#include <array>
#include <string>
#include <utility>

namespace medplib::core {

// Beside each enumeration that has words: `kind`, what a value is called in messages, and `all`.
template <class Enum>
struct Names;

template <class Enum, std::size_t count>
using NameTable = std::array<std::pair<Enum, const char*>, count>;

// "UNKNOWN" for what is no enumerator.
template <class Enum>
const char* to_text(Enum value) {
  for (const auto& [named, name] : Names<Enum>::all)
    if (named == value) return name;
  return "UNKNOWN";
}

// Throws InvalidArgument: `text` is no name of this kind, and these are.
[[noreturn]] void fail_name(const char* kind, const std::string& text, const std::string& names);

// Errors: InvalidArgument.
template <class Enum>
Enum from_text(const std::string& text) {
  std::string names;
  for (const auto& [value, name] : Names<Enum>::all) {
    if (text == name) return value;
    names.append(names.empty() ? "\"" : ", \"").append(name).append("\"");
  }
  fail_name(Names<Enum>::kind, text, names);
}

}  // namespace medplib::core
