#include "data/record_list.h"

#include "base/files.h"
#include "base/json_parsing.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace medplib::core {
namespace fs = std::filesystem;

std::string place_of(const fs::path& list, const ListEntry& entry, const std::string& id) {
  return text_of(list.string(), ", record ", entry.index, " (", id, "), line ", entry.line);
}

fs::path root_of(const fs::path& list, const fs::path& images) {
  return images.empty() ? fs::weakly_canonical(list).parent_path() : fs::weakly_canonical(images);
}

void for_each_entry(const fs::path& list, const std::function<void(const ListEntry&)>& take) {
  std::ifstream file = open_for_reading(list);
  std::error_code unknown;  // of a pipe
  const std::uintmax_t size = fs::file_size(list, unknown);
  ReadSoFar read;
  ListEntry next;
  const auto taken = [&](int depth, Json::parse_event_t event, Json& value) {
    using Event = Json::parse_event_t;
    if (depth == 0 && event != Event::array_start && event != Event::array_end)
      fail(ErrorCode::Format, list, " must hold a list of records.");
    if (depth != 1) return not_too_deep(depth, list.string());
    if (event == Event::object_start || event == Event::array_start) next.line = read.line;
    if (event != Event::object_end && event != Event::array_end && event != Event::value) return true;
    if (event == Event::value) next.line = read.line;
    next.json = std::move(value);
    next.part = unknown ? 0 : std::min(1.0, static_cast<double>(read.bytes) / static_cast<double>(size));
    take(next);
    ++next.index;
    return false;  // the list itself stays empty
  };
  using Characters = std::istreambuf_iterator<char>;
  const Counted begin(Characters(file), read), end(Characters(), read);
  parsed(list.string(), [&] { return Json::parse(begin, end, taken); });
  if (file.bad()) fail(ErrorCode::Io, "Reading ", list, " failed.");
}

}  // namespace medplib::core
