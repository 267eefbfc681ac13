// What is odd about the files of a training, told before it begins.
#pragma once

#include "data/records.h"
#include "nn/config.h"

#include <span>
#include <string>
#include <vector>

namespace medplib::core {

// What asking about these pictures, regions and masks would warn of: a sentence a kind, with the number of
// files and the first five. Headers are read; pixels only of regions, and where alpha or 16 bits may be in
// them. What cannot be read is left to whoever reads it.
std::vector<std::string> warnings_of_files(const std::vector<std::span<const ImageRecords>>& all,
                                           const ClipConfig& config);

}  // namespace medplib::core
