#include "base/utf8.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <utility>

namespace medplib::core {

namespace {

// UTF-8 without a NUL, at which what() would end.
std::string presentable(const std::string& text) {
  std::string result;
  for (const char each : replace_invalid_utf8(text)) result += each == '\0' ? "\\0" : std::string(1, each);
  return result;
}

}  // namespace

Error::Error(ErrorCode code, const std::string& message, std::vector<std::string> details)
    : std::runtime_error(shortened(presentable(message), kLongestMessage)), code_(code) {
  for (std::string& line : details) line = presentable(line);
  details_ = std::make_shared<const std::vector<std::string>>(std::move(details));
}

std::string shortened(std::string_view text, std::size_t most) {
  const auto begins = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; };
  const auto characters = static_cast<std::size_t>(std::ranges::count_if(text, begins));
  if (characters <= most) return std::string(text);
  const std::size_t kept = most - 1, front = kept - kept / 2, back = characters - kept / 2;
  std::string result;
  std::size_t seen = 0;
  for (const char byte : text) {
    seen += begins(byte) ? 1 : 0;
    if (seen == front + 1 && begins(byte)) result += "…";
    if (seen <= front || seen > back) result += byte;
  }
  return result;
}

std::string first_five(const std::vector<std::string>& names, std::size_t most) {
  constexpr std::size_t kNamed = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamed); ++i)
    text += (i == 0 ? "" : ", ") + shortened(names[i], most);
  if (names.size() > kNamed) text += text_of(" and ", names.size() - kNamed, " more");
  return text;
}

void fail_name(const char* kind, const std::string& text, const std::string& names) {
  fail(ErrorCode::InvalidArgument, "The ", kind, " \"", text, "\" is none of ", names, ".");
}

}  // namespace medplib::core
