// Results: JSON of an answer, mask and overlay files, a line for people.
#pragma once

#include <medplib/core/error.h>
#include <medplib/core/mask.h>
#include <medplib/core/session.h>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace medplib::cli {

using Json = nlohmann::ordered_json;

// Where the pictures of one answer go; empty: nowhere.
struct PictureFiles {
  std::string masks, overlay;
  std::vector<std::string> read = {};  // what the same request reads: none of it is written over
};

// The images, and the files of regions such as "mask:FILE".
std::vector<std::string> files_read(std::vector<std::string> images, const std::vector<std::string>& regions);

// The same for every spelling of a path.
std::string place_of(const std::string& file);

// "{}" in the file names replaced.
PictureFiles named(PictureFiles files, const std::string& name);

// Finds what would make writing fail after a long computation: no such folder, a folder in the file's place,
// no right to write, one file for both, a file that is read. Errors: InvalidArgument, NotFound, Io.
void check_writable(const PictureFiles& files);

// Where each of `count` masks goes: the first to FILE, where a caller looks however many there are, the
// others to FILE-2, FILE-3 ... before the extension.
std::vector<std::string> mask_files(const std::string& file, std::size_t count);

// Writes what `files` names; without a mask the file is one with nothing inside, and that is added to
// `warnings`.
void write_pictures(const PictureFiles& files, const core::Image& image, const std::vector<core::Mask>& masks,
                    const std::vector<cv::Mat>& pointed_at, std::vector<std::string>& warnings);

Json json_of(const std::vector<core::Mask>& masks, const PictureFiles& files);
Json json_of(const core::Answer& answer, const PictureFiles& files);
Json json_of(const core::Error& error);

std::string joined(const std::vector<std::string>& words, const char* separator = ", ");

// "optic disc: 1234 pixels, presence 0.93, IoU estimate 0.71 (uncalibrated), m.png"
std::string line_of(const core::Mask& mask, const std::string& file);

// 12648820 as "12.6 MB".
std::string megabytes(std::int64_t bytes);

// One line on stdout, flushed. What is not UTF-8 becomes U+FFFD.
void print_line(const Json& json);

}  // namespace medplib::cli
