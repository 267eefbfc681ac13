#include "requests.h"

#include "exit_codes.h"
#include "request_line.h"

#include <algorithm>
#include <filesystem>
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
void check_no_nul(const std::string& text, const std::string& key) {
  if (text.find('\0') != std::string::npos)
    fail(ErrorCode::Format, "\"", key, "\" holds a NUL byte, which no file's name has.");
}

std::string path_of(const Json& value, const std::string& key) {
  auto path = value_of<std::string>(value, key, "a text");
  check_no_nul(path, key);
  return path;
}

std::vector<std::string> regions_of(const Json& value, const std::string& key) {
  auto regions = value_of<std::vector<std::string>>(value, key, "a list of texts such as \"box:1,2,30,40\"");
  for (const std::string& region : regions) check_no_nul(region, key);
  return regions;
}

}  // namespace

Requests::Requests(std::vector<std::string> images, Request common, std::string words_key, bool json_lines)
    : images_(std::move(images)),
      common_(std::move(common)),
      words_key_(std::move(words_key)),
      json_lines_(json_lines),
      many_(images_.size() > 1 || std::ranges::count(images_, "-") > 0),
      list_(json_lines) {}

bool Requests::next(Request& request) {
  while (at_ < images_.size()) {
    request = common_;
    if (images_[at_] != "-") {
      request.images = {images_[at_++]};
      name_files(request);
      return true;
    }
    if (next_item(request)) return true;
    ++at_;
  }
  return false;
}

bool Requests::is_blank(const std::string& item) const {
  return list_.of_lines() ? item.find_first_not_of(" \t\r") == std::string::npos : item.empty();
}

bool Requests::next_item(Request& request) {
  std::string text;
  for (;;) {
    request.line = ++line_;
    const bool before = std::exchange(any_item_, true);  // also one that cannot be read
    const bool found = during(Phase::Input, [&] { return list_.next(text); });
    const bool item = found && !is_blank(text);
    if (!item) any_item_ = before;
    if (!found) break;
    if (!item) continue;
    if (json_lines_) {
      during(Phase::Input, [&] { read_json_line(text, request); });
    } else {
      if (list_.of_lines() && text.ends_with('\r')) text.pop_back();  // of a list written on Windows
      request.images = {text};
    }
    name_files(request);
    return true;
  }
  list_was_empty_ = !any_item_;
  return false;
}

void Requests::read_json_line(const std::string& text, Request& request) const {
  const auto [object, id] = parse_request_line(text);
  request.id = id;
  for (const auto& [key, value] : object.items()) {
    if (key == "image")
      request.images = {path_of(value, key)};
    else if (key == words_key_ && !words_key_.empty())
      request.words = value_of<std::string>(value, key, "a text");
    else if (key == "region")
      request.regions = regions_of(value, key);
    else if (key == "out_mask")
      request.files.masks = path_of(value, key);
    else if (key == "overlay")
      request.files.overlay = path_of(value, key);
    else
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
