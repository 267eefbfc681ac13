#include "request_line.h"

#include <algorithm>
#include <string_view>

namespace medplib::cli {

using core::ErrorCode;
using core::fail;

namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kDigits = "0123456789";

std::size_t skip(std::string_view text, std::string_view characters, std::size_t from) {
  return std::min(text.find_first_not_of(characters, from), text.size());
}

char at(std::string_view text, std::size_t place) { return place < text.size() ? text[place] : '\0'; }

// Behind the text in quotation marks that begins at `from`.
std::size_t end_of_quoted(std::string_view text, std::size_t from) {
  for (std::size_t i = from + 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
  }
  return text.size();
}

// Behind the value that begins at `from`, if it is one.
std::size_t end_of_value(std::string_view text, std::size_t from) {
  int depth = 0;
  for (std::size_t i = from; i < text.size();) {
    if (text[i] == '"') {
      i = end_of_quoted(text, i);
    } else if (text[i] == '[' || text[i] == '{') {
      ++depth, ++i;
    } else if (text[i] == ']' || text[i] == '}') {
      --depth, ++i;
    } else if (depth > 0) {
      ++i;
      continue;
    } else {
      i = std::min(text.find_first_of(" \t\r\n,]}", i), text.size());
    }
    if (depth <= 0) return i;
  }
  return text.size();
}

bool is_number(std::string_view text) {
  std::size_t end = at(text, 0) == '-' ? 1 : 0;
  const auto digits = [&] {
    const std::size_t begin = end;
    end = skip(text, kDigits, end);
    return end > begin;
  };
  const bool zero = at(text, end) == '0';
  if (zero ? (++end, false) : !digits()) return false;
  if (at(text, end) == '.' && (++end, !digits())) return false;
  if (at(text, end) == 'e' || at(text, end) == 'E') {
    ++end;
    if (at(text, end) == '+' || at(text, end) == '-') ++end;
    if (!digits()) return false;
  }
  return end == text.size();
}

// The text with 0 in place of each number.
std::string without_numbers(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    if (text[i] == '"') end = end_of_quoted(text, i);
    if (text[i] == '-' || kDigits.find(text[i]) != std::string_view::npos)
      end = skip(text, "0123456789+-.eE", i);
    const std::string_view piece = text.substr(i, end - i);
    result += is_number(piece) ? "0" : piece;
    i = end;
  }
  return result;
}

Json parse(const std::string& text) {
  constexpr int kDeepest = 100;  // printing what is nested takes stack
  try {
    return Json::parse(text, [kDeepest](int depth, Json::parse_event_t, const Json&) {
      if (depth > kDeepest) fail(ErrorCode::Format, "The line is nested more than ", kDeepest, " deep.");
      return true;
    });
  } catch (const nlohmann::json::parse_error& error) {
    fail(ErrorCode::Format, "The line is not valid JSON at byte ", error.byte, ".");
  } catch (const nlohmann::json::out_of_range&) {
    fail(ErrorCode::Format, "The line holds a number that is too large.");
  }
}

bool is_json(std::string_view text) {
  try {
    parse(without_numbers(text));
    return true;
  } catch (const core::Error&) {
    return false;
  }
}

// Puts null in place of the value of "id" in the object `line`, and returns the value; nothing where there is
// none, or the object isn't one.
std::string take_id(std::string& line) {
  std::string id;
  std::size_t place = skip(line, kSpaces, 0);
  if (at(line, place) != '{') return id;
  do {
    const std::size_t key = skip(line, kSpaces, place + 1);
    if (at(line, key) != '"') break;
    const std::size_t key_end = end_of_quoted(line, key), colon = skip(line, kSpaces, key_end);
    if (at(line, colon) != ':') break;
    const std::size_t begin = skip(line, kSpaces, colon + 1);
    std::size_t end = end_of_value(line, begin);
    const std::string value = line.substr(begin, end - begin);
    if (Json::parse(line.substr(key, key_end - key), nullptr, false) == "id" && is_json(value)) {
      id = value;
      line.replace(begin, value.size(), "null");
      end = begin + 4;
    }
    place = skip(line, kSpaces, end);
  } while (at(line, place) == ',');
  return id;
}

}  // namespace

RequestLine parse_request_line(const std::string& text) {
  std::string line = text;
  std::string id = take_id(line);
  Json fields = parse(line);
  if (!fields.is_object())
    fail(ErrorCode::Format, "The line must be a JSON object such as {\"image\": \"eye.jpg\"}.");
  fields.erase("id");
  return {std::move(fields), std::move(id)};
}

}  // namespace medplib::cli
