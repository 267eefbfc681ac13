// The list on the standard input, item by item as it comes.
#pragma once

#include <optional>
#include <string>

namespace medplib::cli {

class ListReader {
 public:
  // `json_lines`: items are lines. Else they are what NUL bytes end, as `find -print0` writes them, when
  // there is a NUL byte in what comes first; then a name may have line breaks in it.
  explicit ListReader(bool json_lines) : json_lines_(json_lines) {
    if (json_lines) separator_ = '\n';
  }

  // Puts the next item into `item`, without what ends it and without a byte-order mark; false at the end.
  // Errors: Io; Format: a NUL byte in a list of lines, and the next call goes on behind that line. Ctrl-C
  // ends waiting.
  bool next(std::string& item);
  bool of_lines() const { return separator_ == '\n'; }

 private:
  void decide();
  void read_more();

  bool json_lines_;
  std::optional<char> separator_;
  std::string held_;       // read, but not yet handed out
  std::size_t begin_ = 0;  // of the next item in it
  bool ended_ = false;
};

}  // namespace medplib::cli
