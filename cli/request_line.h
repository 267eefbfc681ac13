// A JSON object on a line of stdin, with its id as it is written there.
#pragma once

#include "output.h"

#include <string>

namespace medplib::cli {

struct RequestLine {
  Json fields;     // "id" apart
  std::string id;  // JSON, letter by letter: a number in it may be larger or longer than any that can be kept
};

// Errors: Format.
RequestLine parse_request_line(const std::string& text);

}  // namespace medplib::cli
