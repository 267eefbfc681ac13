// Reading JSON, with errors that name the file and the place, and writing it.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace medplib::core {

using Json = nlohmann::ordered_json;

// Errors: NotFound, Io, Format (not JSON: file, line and column are named).
Json read_json(const std::filesystem::path& path);
Json parse_json(std::string_view text, const std::string& where);

// JSON with the lines on which its outermost entries begin.
struct LinedJson {
  Json json;
  // By key of an outermost object, or by index ("0", "1", …) in an outermost list.
  std::map<std::string, std::int64_t> lines;

  // Returns ", line 7", or nothing for a key that isn't in the file.
  std::string place(const std::string& key) const;
};
LinedJson read_lined_json(const std::filesystem::path& path);

// Returns the JSON on one line. Bytes that are not UTF-8 become U+FFFD.
std::string json_text(const Json& json);

// Returns object[key] as T. Errors: Format, when it is absent or of another type; `where` names the file or
// object.
template <class T>
T required(const Json& object, const char* key, const std::string& where);

// The same, with a default for an absent or null key.
template <class T>
T optional_or(const Json& object, const char* key, T otherwise, const std::string& where);

// Returns the library's message without its own name and number.
std::string reason_of(const nlohmann::json::exception& error);

[[noreturn]] void fail_json(const char* key, const std::string& where, const std::string& what);

template <class T>
T required(const Json& object, const char* key, const std::string& where) {
  if (!object.is_object() || !object.contains(key)) fail_json(key, where, "is missing");
  try {
    return object.at(key).get<T>();
  } catch (const nlohmann::json::exception& error) {
    fail_json(key, where, reason_of(error));
  }
}

template <class T>
T optional_or(const Json& object, const char* key, T otherwise, const std::string& where) {
  if (!object.is_object() || !object.contains(key) || object.at(key).is_null()) return otherwise;
  return required<T>(object, key, where);
}

}  // namespace medplib::core
