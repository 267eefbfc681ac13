// log.jsonl: a line of figures for every step, and for every validation.
#pragma once

#include "base/json.h"

#include <cstdint>
#include <filesystem>
#include <fstream>

namespace medplib::core {

class StepLog {
 public:
  // Goes on behind the lines up to `step`; those of steps that a killed training didn't save are dropped.
  StepLog(const std::filesystem::path& path, std::int64_t step);

  // Errors: Io.
  void add(const Json& line);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace medplib::core
