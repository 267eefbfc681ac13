// Where the engine's messages go. They never hold an image, a question, an answer, a name or a DICOM tag.
#pragma once

#include <medplib/core/names.h>

#include <cstdint>
#include <functional>
#include <string>

namespace medplib::core {

enum class LogLevel : std::int32_t { Debug = 0, Info = 1, Warning = 2, Error = 3, Silent = 4 };

template <>
struct Names<LogLevel> {
  static constexpr const char* kind = "level";
  static constexpr NameTable<LogLevel, 5> all = {{{LogLevel::Debug, "debug"},
                                                  {LogLevel::Info, "info"},
                                                  {LogLevel::Warning, "warning"},
                                                  {LogLevel::Error, "error"},
                                                  {LogLevel::Silent, "silent"}}};
};

using LogCallback = std::function<void(LogLevel, const std::string&)>;

// From now on messages of `least` and above go to `callback`; an empty callback writes a line to stderr.
// At the start: Warning, stderr. Thread-safe; the callback may be called from several threads at once, and
// may still be running in another thread when this returns. Its exceptions are discarded: a message never
// changes what the engine does.
void set_log(LogLevel least, LogCallback callback = {});

// A message of level Warning.
void log_warning(const std::string& message);

}  // namespace medplib::core
