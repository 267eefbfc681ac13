// Going through a list of records, however long, holding one of them at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace medplib::core {

struct ListEntry {
  std::string text;        // JSON, as it is written; that it is valid isn't known yet
  std::int64_t index = 0;  // in the list, from 0
  std::int64_t line = 1;   // on which it begins
  double part = 0;         // of the file that has been read, 0 … 1
};

// Where an entry stands, for messages: file, number, id and line.
std::string place_of(const std::filesystem::path& list, const ListEntry& entry, const std::string& id);

// The folder that the list's paths start from: `images`, or where nobody names one, that of the list.
std::filesystem::path root_of(const std::filesystem::path& list, const std::filesystem::path& images);

// Cuts the list into its entries, each of at most 64 MiB, so that a damaged one leaves the others readable.
// Errors: NotFound, Io, Format (no list, or what stands between or behind its entries isn't JSON); what
// `take` throws.
void for_each_entry(const std::filesystem::path& list, const std::function<void(const ListEntry&)>& take);

}  // namespace medplib::core
