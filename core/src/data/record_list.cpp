#include "data/record_list.h"

#include "base/files.h"
#include "base/json_parsing.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>
#include <system_error>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

constexpr int kEnd = -1;
constexpr std::size_t kLongestEntry = std::size_t{64} << 20;

// A file's characters one by one, as they come.
class Characters {
 public:
  explicit Characters(const fs::path& path) : path_(path), file_(open_for_reading(path)) {}

  const ReadSoFar& read() const { return read_; }

  // The next one, which stays the next.
  int peek() {
    if (at_ == filled_) fill();
    return at_ < filled_ ? static_cast<unsigned char>(block_[at_]) : kEnd;
  }

  int take() {
    const int next = peek();
    if (next == kEnd) return kEnd;
    ++at_;
    ++read_.bytes;
    read_.line += next == '\n' ? 1 : 0;
    return next;
  }

  // What comes behind white space.
  int peek_behind_space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n') take();
    return peek();
  }

 private:
  void fill() {
    at_ = 0;
    file_.peek();  // waits until there is something
    filled_ = static_cast<std::size_t>(file_.readsome(block_.data(), block_.size()));
    if (file_.bad()) fail(ErrorCode::Io, "Reading ", path_, " failed.");
  }

  const fs::path& path_;
  std::ifstream file_;
  std::array<char, 1 << 13> block_{};
  std::size_t at_ = 0, filled_ = 0;
  ReadSoFar read_;
};

class Cutter {
 public:
  explicit Cutter(const fs::path& list) : list_(list), characters_(list) {
    std::error_code unknown;  // of a pipe
    const std::uintmax_t size = fs::file_size(list, unknown);
    size_ = unknown ? 0 : static_cast<double>(size);
    for (const int mark : {0xEF, 0xBB, 0xBF})  // of the order of bytes, which some programs put in front
      if (characters_.peek() == mark) characters_.take();
    if (characters_.peek_behind_space() != '[') refuse_other();
    characters_.take();
  }

  // The entry behind the last one that was cut, or false at the list's end.
  bool next(ListEntry& entry) {
    const int ahead = characters_.peek_behind_space();
    if (ahead == ']') return end();
    if (cut_ > 0) {
      if (ahead != ',') refuse("a comma or ] should stand there");
      characters_.take();
      if (const int behind = characters_.peek_behind_space(); behind == ',' || behind == ']')
        refuse("a record should stand there");
    }
    entry.index = cut_;
    entry.line = characters_.read().line;
    cut(entry);
    entry.part = size_ > 0 ? std::min(1.0, static_cast<double>(characters_.read().bytes) / size_) : 0;
    ++cut_;
    return true;
  }

 private:
  // Up to the bracket or quotation mark that closes it, or of a number or word its end.
  void cut(ListEntry& entry) {
    std::string& text = entry.text;
    text.clear();
    int depth = 0;
    bool quoted = false;
    const auto take = [&] {
      const int next = characters_.take();
      if (next == kEnd)
        fail(ErrorCode::Format, list_, " is not valid JSON: it ends within record ", entry.index,
             ", which begins in line ", entry.line, ". A bracket or quotation mark isn't closed there.");
      if (text.size() == kLongestEntry)
        fail(ErrorCode::Format, list_, ", record ", entry.index, ", which begins in line ", entry.line,
             ", is longer than 64 MiB. Is a bracket or quotation mark not closed?");
      text += static_cast<char>(next);
      return next;
    };
    const bool is_word =
        std::string_view("[{\"").find(static_cast<char>(characters_.peek())) == std::string_view::npos;
    do {
      const int next = take();
      if (quoted && next == '\\')
        take();
      else if (next == '"')
        quoted = !quoted;
      else if (!quoted && (next == '[' || next == '{'))
        ++depth;
      else if (!quoted && (next == ']' || next == '}'))
        --depth;
    } while (quoted || depth > 0 || (is_word && !word_ends()));
  }

  bool word_ends() {
    const int next = characters_.peek();
    return next == kEnd ||
           std::string_view(" \t\r\n,]").find(static_cast<char>(next)) != std::string_view::npos;
  }

  bool end() {
    characters_.take();
    if (characters_.peek_behind_space() != kEnd) refuse("nothing should stand behind the list's ]");
    return false;
  }

  [[noreturn]] void refuse(const char* what) {
    fail(ErrorCode::Format, list_, " is not valid JSON: ", what, ", in line ", characters_.read().line,
         ", behind ", cut_, " records.");
  }

  [[noreturn]] void refuse_other() {
    fail(ErrorCode::Format, list_, " must hold a list of records, [{…}, {…}].",
         characters_.peek() != '{' ? ""
                                   : " If it has a record a line (JSON Lines), this makes a list of it: "
                                     "(echo [; grep . FILE | sed '$!s/$/,/'; echo ]) > LIST.json");
  }

  const fs::path& list_;
  Characters characters_;
  double size_ = 0;
  std::int64_t cut_ = 0;
};

}  // namespace

std::string place_of(const fs::path& list, const ListEntry& entry, const std::string& id) {
  return text_of(list.string(), ", record ", entry.index, " (", id, "), line ", entry.line);
}

fs::path root_of(const fs::path& list, const fs::path& images) {
  return images.empty() ? fs::weakly_canonical(list).parent_path() : fs::weakly_canonical(images);
}

void for_each_entry(const fs::path& list, const std::function<void(const ListEntry&)>& take) {
  Cutter cutter(list);
  for (ListEntry entry; cutter.next(entry);) take(entry);
}

}  // namespace medplib::core
