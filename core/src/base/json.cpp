#include "base/json.h"

#include "base/files.h"

#include <medplib/core/error.h>

namespace medplib::core {

Json parse_json(std::string_view text, const std::string& where) {
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::Format, where, " is not valid JSON: ", error.what(), ".");
  }
}

std::string json_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json read_json(const std::filesystem::path& path) {
  constexpr std::uint64_t largest = std::uint64_t{1} << 30;
  return parse_json(read_file(path, largest), path.string());
}

void fail_json(const char* key, const std::string& where, const char* what) {
  fail(ErrorCode::Format, "\"", key, "\" in ", where, " cannot be used: ", what, ".");
}

}  // namespace medplib::core
