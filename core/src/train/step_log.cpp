#include "train/step_log.h"

#include "base/files.h"

#include <medplib/core/error.h>

#include <sstream>

namespace medplib::core {
namespace {

// The lines of a log up to a step. One that was cut off in the middle is of a later step.
std::string lines_until(const std::filesystem::path& path, std::int64_t step) {
  std::istringstream lines(read_file(path));
  std::string kept, line;
  while (std::getline(lines, line)) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const Json at = json.is_object() ? json.value("step", Json()) : Json();
    if (!at.is_number_integer() || at.get<std::int64_t>() > step) break;
    kept += line + '\n';
  }
  return kept;
}

}  // namespace

StepLog::StepLog(const std::filesystem::path& path, std::int64_t step) : path_(path) {
  write_file(path, std::filesystem::exists(path) ? lines_until(path, step) : std::string());
  file_.open(path, std::ios::app);
}

void StepLog::add(const Json& line) {
  file_ << line.dump() << std::endl;
  if (!file_) fail(ErrorCode::Io, "Writing ", path_, " failed. Is the disk full?");
}

}  // namespace medplib::core
