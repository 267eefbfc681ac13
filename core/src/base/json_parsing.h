// What the readers of JSON files share: where in the file they are, and what they refuse.
#pragma once

#include "base/json.h"

#include <medplib/core/error.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>

namespace medplib::core {

struct ReadSoFar {
  std::int64_t line = 1, bytes = 0;
};

// Iterates over the characters that `At` does, and counts them and their lines.
template <class At>
class Counted {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  Counted(At at, ReadSoFar& read) : at_(at), read_(&read) {}
  char operator*() const { return *at_; }
  Counted& operator++() {
    read_->line += *at_ == '\n' ? 1 : 0;
    ++read_->bytes;
    ++at_;
    return *this;
  }
  bool operator==(const Counted& other) const { return at_ == other.at_; }

 private:
  At at_;
  ReadSoFar* read_;
};

// No file of ours is nested deeper, and printing one that is could overflow the stack.
constexpr int kDeepest = 200;

inline bool not_too_deep(int depth, const std::string& where) {
  if (depth > kDeepest) fail(ErrorCode::Format, where, " is nested more than ", kDeepest, " deep.");
  return true;
}

// What `parse` answers. Errors: Format, where it isn't JSON.
template <class Parse>
auto parsed(const std::string& where, const Parse& parse) {
  try {
    return parse();
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::Format, where, " is not valid JSON: ", error.what(), ".");
  }
}

}  // namespace medplib::core
