#include "data/record_json.h"

#include "base/json_parsing.h"

#include <algorithm>

namespace medplib::core {
namespace {

// The number that ends the text, or ends before its last character, by which the parser knew the end.
std::string last_number(std::string_view text) {
  constexpr std::string_view of_numbers = "0123456789+-.eE";
  const std::size_t last = text.find_last_of(of_numbers);
  const std::size_t before = text.find_last_not_of(of_numbers, last);
  return std::string(text.substr(before + 1, last - before));  // npos + 1 is 0
}

// Without the place, which would be that in the record alone.
std::string without_place(const std::string& reason) {
  const std::size_t end = reason.starts_with("parse error") ? reason.find(": ") : std::string::npos;
  return end == std::string::npos ? reason : reason.substr(end + 2);
}

}  // namespace

Json parse_record_json(std::string_view text, const std::string& where) {
  ReadSoFar read;
  bool is_text = false;
  const auto taken = [&](int depth, Json::parse_event_t event, Json& value) {
    using Event = Json::parse_event_t;
    if (event == Event::key) is_text = value == "id" || value == "value";
    if (event == Event::value && is_text && value.is_number())
      value = last_number(text.substr(0, static_cast<std::size_t>(read.bytes)));
    return not_too_deep(depth, where);
  };
  const Counted begin(text.data(), read), end(text.data() + text.size(), read);
  try {
    return Json::parse(begin, end, taken);
  } catch (const nlohmann::json::exception& error) {
    const auto lines = std::ranges::count(text.substr(0, static_cast<std::size_t>(read.bytes)), '\n');
    fail(ErrorCode::Format, where, " is not valid JSON: ", without_place(reason_of(error)),
         lines == 0 ? "" : text_of(" (in its line ", lines + 1, ")"), ". Mend it, or take the record out.");
  }
}

}  // namespace medplib::core
