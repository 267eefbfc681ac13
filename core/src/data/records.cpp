#include "data/records.h"

#include "data/record_json.h"
#include "data/record_list.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace medplib::core {
namespace fs = std::filesystem;

bool is_chosen_evenly(std::size_t index, std::size_t total, std::size_t most) {
  const std::size_t chosen = most == 0 ? total : std::min(most, total);
  return (index + 1) * chosen / total != index * chosen / total;
}

std::vector<ImageRecords> read_records(const fs::path& json, const fs::path& images, std::int64_t most) {
  std::size_t total = 0;
  if (most > 0) for_each_entry(json, [&](const ListEntry&) { ++total; });
  const auto is_wanted = [&](std::int64_t index) {
    return most <= 0 ||
           is_chosen_evenly(static_cast<std::size_t>(index), total, static_cast<std::size_t>(most));
  };
  std::vector<ImageRecords> found;
  std::unordered_map<std::string, std::size_t> index_of;
  const fs::path root = root_of(json, images);
  for_each_entry(json, [&](const ListEntry& entry) {
    if (!is_wanted(entry.index)) return;
    const std::string number = std::to_string(entry.index), where = place_of(json, entry, number);
    const Json record = parse_record_json(entry.text, where);
    const std::string id = id_of(record, number, where);
    ListedRecord listed = listed_record(record, id, {root, place_of(json, entry, id)}, refuse_fault);
    const auto [place, fresh] = index_of.try_emplace(listed.image.string(), found.size());
    if (fresh)
      found.push_back({.image = std::move(listed.image),
                       .set = std::move(listed.set),
                       .modality = std::move(listed.modality),
                       .kind = std::move(listed.kind),
                       .records = {}});
    found[place->second].records.push_back(std::move(listed.record));
  });
  return found;
}

}  // namespace medplib::core
