// Training data in MeCoVQA's format (docs/model.md, Training records): questions about images, grouped by
// image.
#pragma once

#include "data/record.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace medplib::core {

struct ImageRecords {
  std::filesystem::path image;
  std::string set, modality, kind;  // kind: what else tells such pictures apart, such as the weighting
  std::vector<Record> records;
};

// Whether number `index` of `total` is one of `most` that lie evenly among them (0: all).
bool is_chosen_evenly(std::size_t index, std::size_t total, std::size_t most);

// Reads the JSON list, or `most` records evenly out of it (0: all); images, regions and masks lie in `images`
// or below, by default beside the list. Errors: NotFound, Format: file, record and what is wrong with it.
std::vector<ImageRecords> read_records(const std::filesystem::path& json,
                                       const std::filesystem::path& images = {}, std::int64_t most = 0);

}  // namespace medplib::core
