// One record of MeCoVQA's form (docs/model.md, Training records), and what can be wrong with it.
#pragma once

#include "base/json.h"
#include "text/prompt.h"

#include <medplib/core/check.h>

#include <filesystem>
#include <functional>
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

// With what is said of its image.
struct ListedRecord {
  std::filesystem::path image;
  std::string set, modality, kind;  // those of the file's name where the record has none
  std::string answer_type;
  Record record;
};

// A place in a list, for messages, and the folder that paths start from.
struct Origin {
  std::filesystem::path root;
  std::string where;
};

// Told what is wrong: a sentence that begins with the place. Throws, or the rest is looked at.
using Complain = std::function<void(DataFault, const std::string&)>;

// The record's id, or `otherwise`. `json` is as parse_record_json reads it, here and below. Errors: Format.
std::string id_of(const Json& json, const std::string& otherwise, const std::string& where);

// What of the record can be used. A path without an ending finds its .png.
ListedRecord listed_record(const Json& json, const std::string& id, const Origin& origin,
                           const Complain& complain);

// One record by itself, as JSON; its files lie in `folder` or below. Errors: as of read_records.
Record parse_record(const std::string& json, const std::filesystem::path& folder);

// Throws Format at the first fault.
void refuse_fault(DataFault fault, const std::string& sentence);

}  // namespace medplib::core
