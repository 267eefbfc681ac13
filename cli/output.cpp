#include "output.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <sstream>

namespace medplib::cli {

std::string joined(const std::vector<std::string>& words, const char* separator) {
  std::string all;
  for (const std::string& word : words) all.append(all.empty() ? "" : separator).append(word);
  return all;
}

Json json_of(const core::Mask& mask, const std::string& file) {
  Json json = Json::parse(core::mask_json(mask));
  if (!file.empty()) json["file"] = file;
  return json;
}

Json json_of(const core::Answer& answer, const WrittenPictures& written) {
  Json json = Json::parse(core::answer_json(answer));
  for (std::size_t i = 0; i < written.masks.size(); ++i)
    if (!written.masks[i].empty()) json["masks"][i]["file"] = written.masks[i];
  if (!written.overlay.empty()) json["overlay"] = written.overlay;
  return json;
}

Json json_of(const core::Error& error) {
  Json json = {{"code", core::to_text(error.code())}, {"message", error.what()}};
  if (!error.details().empty()) json["details"] = error.details();
  return json;
}

std::string line_of(const core::Mask& mask, const std::string& file) {
  std::ostringstream out;
  out << std::setprecision(2) << std::fixed << (mask.label().empty() ? "mask" : mask.label()) << ": "
      << mask.area() << " pixels";
  if (mask.presence) out << ", presence " << *mask.presence;
  if (mask.iou_estimate) out << ", IoU estimate " << *mask.iou_estimate;
  if (mask.presence || mask.iou_estimate) out << " (uncalibrated)";
  if (!file.empty()) out << ", " << file;
  return out.str();
}

void print_table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  for (const Row& row : rows) {
    std::cout << "  " << std::left << std::setw(static_cast<int>(widths[0])) << row[0] << std::right;
    for (std::size_t i = 1; i < row.size(); ++i)
      std::cout << "  " << std::setw(static_cast<int>(widths[i])) << row[i];
    std::cout << '\n';
  }
  std::cout << '\n';
}

std::string megabytes(std::int64_t bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << static_cast<double>(bytes) / 1e6 << " MB";
  return out.str();
}

void print_line(const Json& object, const std::string& id) {
  std::string text = object.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (!id.empty()) text.insert(1, "\"id\":" + id + (object.empty() ? "" : ","));
  std::cout << text << std::endl;
}

}  // namespace medplib::cli
