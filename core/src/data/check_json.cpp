#include "base/json.h"

#include <medplib/core/check.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ostream>
#include <utility>

namespace medplib::core {
namespace {

// The counts, and an empty list of findings.
std::string json_of(const DataSummary& summary) {
  Json counts = Json::object();
  for (const auto& [fault, count] : summary.findings) counts[to_text(fault)] = count;
  return json_text({{"records", summary.records},
                    {"at_fault", summary.at_fault},
                    {"images", summary.images},
                    {"regions", summary.regions},
                    {"masks", summary.masks},
                    {"modality", summary.modality},
                    {"subset", summary.subset},
                    {"answer_type", summary.answer_type},
                    {"published",
                     {{"records", kPublishedRecords},
                      {"modalities", kPublishedModalities},
                      {"subsets", kPublishedSubsets}}},
                    {"pictures", summary.pictures},
                    {"faults", counts},
                    {"findings", Json::array()}});
}

std::string json_of(const DataFinding& found) {
  return json_text({{"fault", to_text(found.fault)},
                    {"list", found.list.string()},
                    {"record", found.record},
                    {"line", found.line},
                    {"id", found.id},
                    {"message", found.sentence}});
}

[[noreturn]] void fail_to_keep() {
  fail(ErrorCode::Io, "The findings cannot be kept in a temporary file in ", P_tmpdir, ": ",
       std::strerror(errno), ". Make room there, or check without --json.");
}

}  // namespace

DataCheckJson::DataCheckJson() : findings_(std::tmpfile(), &std::fclose) {
  if (!findings_) fail_to_keep();
}

void DataCheckJson::add(const DataFinding& finding) {
  std::string text = std::exchange(any_, true) ? "," : "";
  text += json_of(finding);
  if (std::fwrite(text.data(), 1, text.size(), findings_.get()) != text.size()) fail_to_keep();
}

void DataCheckJson::write(const DataSummary& summary, std::ostream& out) {
  if (std::fflush(findings_.get()) != 0 || std::fseek(findings_.get(), 0, SEEK_SET) != 0) fail_to_keep();
  const std::string counts = json_of(summary), after = "]}";
  out << counts.substr(0, counts.size() - after.size());
  std::array<char, 1 << 16> block{};
  while (const std::size_t size = std::fread(block.data(), 1, block.size(), findings_.get()))
    out.write(block.data(), static_cast<std::streamsize>(size));
  if (std::ferror(findings_.get()) != 0) fail_to_keep();
  out << after;
}

}  // namespace medplib::core
