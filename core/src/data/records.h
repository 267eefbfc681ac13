// Training data in MeCoVQA's format (docs/model.md, Training records): questions about images, grouped by
// image.
#pragma once

#include "text/prompt.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace medplib::core {

// One conversation. Paths are absolute; tags stay in the texts, paths are cut out.
struct Record {
  std::string id, task, structure;  // structure: the name of what the masks show
  std::vector<Turn> turns;
  std::vector<std::filesystem::path> regions;  // one a <region></region>, in order
  std::vector<std::filesystem::path> masks;    // one a <SEG> that has a mask, in order
};

struct ImageRecords {
  std::filesystem::path image;
  std::string set, modality, kind;  // kind: what else tells such pictures apart, such as the weighting
  std::vector<Record> records;
};

// Whether number `index` of `total` is one of `most` that lie evenly among them (0: all).
bool is_chosen_evenly(std::size_t index, std::size_t total, std::size_t most);

// Reads the JSON list, or `most` records evenly out of it (0: all); images, regions and masks lie beside it
// or below. Errors: NotFound, Format: file, record and what is wrong with it.
std::vector<ImageRecords> read_records(const std::filesystem::path& json, std::int64_t most = 0);

// One record of such a list by itself, as JSON; its files lie in `folder` or below. Errors: as of read_records.
Record parse_record(const std::string& json, const std::filesystem::path& folder);

}  // namespace medplib::core
