// What is to be answered, one after the other: images from the command line, paths or JSON lines from stdin.
#pragma once

#include "list_reader.h"
#include "output.h"

#include <cstdint>
#include <string>
#include <vector>

namespace medplib::cli {

struct Request {
  std::vector<std::string> images;   // files; more than one stand in one prompt
  std::string words;                 // the question or phrase
  std::vector<std::string> regions;  // as core::Region::parse reads them
  PictureFiles files;
  std::int64_t line = 0;  // of stdin, or item, from 1; 0: not from there
  std::string id;         // of the JSON line, as it is written there; empty: none
};

class Requests {
 public:
  // `images`: as on the command line, "-" stands for stdin. `common`: what holds for every request.
  // `words_key`: "question" or "phrase", empty when the command takes neither. `json_lines`: stdin has a JSON
  // object a line.
  Requests(std::vector<std::string> images, Request common, std::string words_key, bool json_lines);

  // Whether there can be more than one.
  bool many() const { return many_; }
  // Puts the next request into `request`; false at the end. When it throws, `request` says which line is bad,
  // and the next call goes on behind it. Errors: Failure(Input).
  bool next(Request& request);
  // All images in one request.
  Request together();
  // Whether a list on stdin came to its end without an item.
  bool list_was_empty() const { return list_was_empty_; }

 private:
  bool next_item(Request& request);
  void read_json_line(const std::string& text, Request& request) const;
  bool is_blank(const std::string& item) const;

  std::vector<std::string> images_;
  std::size_t at_ = 0;
  Request common_;
  std::string words_key_;
  bool json_lines_, many_;
  ListReader list_;
  bool any_item_ = false, list_was_empty_ = false;
  std::int64_t line_ = 0;
};

}  // namespace medplib::cli
