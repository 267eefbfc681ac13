#include "base/json.h"

#include "base/files.h"
#include "base/json_parsing.h"

#include <medplib/core/error.h>

namespace medplib::core {
namespace {

constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 30;

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  return parsed(where, [&] {
    return Json::parse(
        text, [&](int depth, Json::parse_event_t, const Json&) { return not_too_deep(depth, where); });
  });
}

std::string LinedJson::place(const std::string& key) const {
  const auto found = lines.find(key);
  return found == lines.end() ? "" : ", line " + std::to_string(found->second);
}

LinedJson read_lined_json(const std::filesystem::path& path) {
  const std::string text = read_file(path, kLargestFile);
  LinedJson lined;
  bool is_list = false;
  ReadSoFar read;
  const auto note = [&](int depth, Json::parse_event_t event, const Json& value) {
    using Event = Json::parse_event_t;
    if (depth == 0 && event == Event::array_start) is_list = true;
    if (depth != 1) return not_too_deep(depth, path.string());
    if (is_list && (event == Event::object_start || event == Event::array_start || event == Event::value))
      lined.lines.emplace(std::to_string(lined.lines.size()), read.line);
    if (!is_list && event == Event::key) {
      const auto key = value.get<std::string>();
      if (const auto [before, is_new] = lined.lines.emplace(key, read.line); !is_new)
        fail(ErrorCode::Format, "\"", key, "\" in ", path.string(), " stands in line ", before->second,
             " and in line ", read.line, ". Keep one.");
    }
    return true;
  };
  const Counted begin(text.data(), read), end(text.data() + text.size(), read);
  lined.json = parsed(path.string(), [&] { return Json::parse(begin, end, note); });
  return lined;
}

std::string json_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path, kLargestFile), path.string());
}

std::string reason_of(const nlohmann::json::exception& error) {
  const std::string_view text = error.what();  // "[json.exception.type_error.302] type must be …"
  const std::size_t end = text.find("] ");
  return std::string(end == std::string_view::npos ? text : text.substr(end + 2));
}

void fail_json(const char* key, const std::string& where, const std::string& what) {
  fail(ErrorCode::Format, "\"", key, "\" in ", where, " cannot be used: ", what, ".");
}

}  // namespace medplib::core
