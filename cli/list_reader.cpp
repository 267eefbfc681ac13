#include "list_reader.h"

#include "interrupt.h"

#include <medplib/core/error.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <unistd.h>

namespace medplib::cli {

using core::ErrorCode;
using core::fail;

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

void ListReader::read_more() {
  held_.erase(0, begin_);
  begin_ = 0;
  std::array<char, 1 << 16> block{};
  ssize_t count = 0;
  do {
    stop_when_interrupted();
    count = ::read(STDIN_FILENO, block.data(), block.size());
  } while (count < 0 && errno == EINTR);
  ended_ = count <= 0;
  if (count < 0) fail(ErrorCode::Io, "The list on stdin cannot be read. Is it a folder?");
  held_.append(block.data(), static_cast<std::size_t>(count));
}

void ListReader::decide() {
  while (!separator_) {
    if (held_.find('\0') != std::string::npos)
      separator_ = '\0';
    else if (ended_ || held_.find('\n') != std::string::npos)
      separator_ = '\n';
    else
      read_more();
  }
}

bool ListReader::next(std::string& item) {
  const bool is_first = held_.empty() && !ended_;
  decide();
  if (is_first) {
    while (held_.size() < kByteOrderMark.size() && !ended_) read_more();
    if (held_.starts_with(kByteOrderMark)) begin_ = kByteOrderMark.size();  // of a list written on Windows
  }
  std::size_t end = held_.find(*separator_, begin_);
  while (end == std::string::npos && !ended_) {
    const std::size_t searched = held_.size() - begin_;
    read_more();
    end = held_.find(*separator_, searched);
  }
  if (end == std::string::npos && begin_ == held_.size()) return false;
  const bool is_last = end == std::string::npos;
  item = held_.substr(begin_, is_last ? end : end - begin_);
  begin_ = is_last ? held_.size() : end + 1;
  if (of_lines() && item.find('\0') != std::string::npos)
    fail(ErrorCode::Format,
         json_lines_ ? "The line holds a NUL byte, and is no JSON object: with --jsonl each line is one."
                     : "The line holds a NUL byte, but the list began with lines: end each name in it by a "
                       "line break, or each by a NUL byte, as find -print0 does.");
  return true;
}

}  // namespace medplib::cli
