#include "requests.h"

#include "exit_codes.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <utility>

namespace medplib::cli {

using core::ErrorCode;
using core::fail;

namespace {

// "{}" in a file name stands for the image's name without folder and extension.
void name_files(Request& request) {
  request.files =
      named(std::move(request.files), std::filesystem::path(request.images.front()).stem().string());
}

template <class T>
T value_of(const Json& value, const std::string& key, const char* kind) {
  try {
    return value.get<T>();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::Format, "\"", key, "\" must be ", kind, ".");
  }
}

// A name with a NUL byte would be cut there, and be another file's.
std::string path_of(const Json& value, const std::string& key) {
  auto path = value_of<std::string>(value, key, "a text");
  if (path.find('\0') != std::string::npos) fail(ErrorCode::Format, "\"", key, "\" holds a NUL byte.");
  return path;
}

Json parse_object(const std::string& text) {
  constexpr int kDeepest = 100;  // printing what is nested takes stack
  Json object;
  try {
    object = Json::parse(text, [kDeepest](int depth, Json::parse_event_t, const Json&) {
      if (depth > kDeepest) fail(ErrorCode::Format, "The line is nested more than ", kDeepest, " deep.");
      return true;
    });
  } catch (const nlohmann::json::parse_error& error) {
    fail(ErrorCode::Format, "The line is not valid JSON at byte ", error.byte, ".");
  } catch (const nlohmann::json::out_of_range&) {
    fail(ErrorCode::Format, "The line holds a number that is too large.");
  }
  if (!object.is_object())
    fail(ErrorCode::Format, "The line must be a JSON object such as {\"image\": \"eye.jpg\"}.");
  return object;
}

}  // namespace

Requests::Requests(std::vector<std::string> images, Request common, std::string words_key, bool json_lines)
    : images_(std::move(images)),
      common_(std::move(common)),
      words_key_(std::move(words_key)),
      json_lines_(json_lines),
      many_(images_.size() > 1 || std::ranges::count(images_, "-") > 0) {}

bool Requests::next(Request& request) {
  while (at_ < images_.size()) {
    request = common_;
    if (images_[at_] != "-") {
      request.images = {images_[at_++]};
      name_files(request);
      return true;
    }
    if (next_line(request)) return true;
    ++at_;
  }
  return false;
}

bool Requests::next_line(Request& request) {
  std::string text;
  while (std::getline(std::cin, text)) {
    request.line = ++line_;
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (json_lines_) {
      during(Phase::Input, [&] { read_json_line(text, request); });
    } else {
      if (text.ends_with('\r')) text.pop_back();  // of a list written on Windows
      request.images = {text};
    }
    name_files(request);
    return true;
  }
  if (std::cin.bad()) fail(ErrorCode::Io, "The list on stdin cannot be read. Is it a folder?");
  return false;
}

void Requests::read_json_line(const std::string& text, Request& request) const {
  const Json object = parse_object(text);
  if (object.contains("id")) request.id = object["id"];
  for (const auto& [key, value] : object.items()) {
    if (key == "image")
      request.images = {path_of(value, key)};
    else if (key == words_key_ && !words_key_.empty())
      request.words = value_of<std::string>(value, key, "a text");
    else if (key == "region")
      request.regions =
          value_of<std::vector<std::string>>(value, key, "a list of texts such as \"box:1,2,30,40\"");
    else if (key == "out_mask")
      request.files.masks = path_of(value, key);
    else if (key == "overlay")
      request.files.overlay = path_of(value, key);
    else if (key != "id")
      fail(ErrorCode::Format, "\"", key, "\" is no field of a request.");
  }
  if (request.images.empty()) fail(ErrorCode::Format, "\"image\" is missing.");
  if (request.words.empty() && !words_key_.empty())
    fail(ErrorCode::Format, "\"", words_key_,
         object.contains(words_key_) ? "\" is empty." : "\" is missing.");
}

Request Requests::together() {
  Request all = common_;
  for (Request request; next(request);) all.images.push_back(request.images.front());
  if (all.images.empty()) fail_usage("No image was given.");
  name_files(all);
  return all;
}

}  // namespace medplib::cli
