// Results: JSON of an answer, a line for people.
#pragma once

#include "output_plan.h"

#include <medplib/core/error.h>
#include <medplib/core/mask.h>
#include <medplib/core/session.h>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace medplib::cli {

using Json = nlohmann::ordered_json;

// With the files that were written.
Json json_of(const core::Mask& mask, const std::string& file);
Json json_of(const core::Answer& answer, const WrittenPictures& written);
Json json_of(const core::Error& error);

std::string joined(const std::vector<std::string>& words, const char* separator = ", ");

// "optic disc: 1234 pixels, presence 0.93, IoU estimate 0.71 (uncalibrated), m.png"
std::string line_of(const core::Mask& mask, const std::string& file);

using Row = std::vector<std::string>;

// Columns as wide as they must be: the first to the left, the others to the right; then an empty line.
void print_table(const std::vector<Row>& rows);

// 12648820 as "12.6 MB".
std::string megabytes(std::int64_t bytes);

// One line on stdout, flushed. What is not UTF-8 becomes U+FFFD. `id`: JSON that stands in front as it is, or
// nothing.
void print_line(const Json& object, const std::string& id = "");

}  // namespace medplib::cli
