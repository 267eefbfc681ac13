// Messages to the user of the engine. Never an image, a question, an answer, a name or a DICOM tag.
#pragma once

#include <medplib/core/error.h>

#include <cstdint>
#include <functional>
#include <string>

namespace medplib::core {

enum class LogLevel : std::int32_t { Debug = 0, Info = 1, Warning = 2, Error = 3, Silent = 4 };

using LogCallback = std::function<void(LogLevel, const std::string&)>;

// From now on messages of `least` and above go to `callback`; an empty one stands for a line on stderr.
// At the start: Warning, stderr. Thread-safe; the callback may be called from several threads at once, and
// may still be running in another thread when this returns. What it throws is dropped: a message never
// changes what the engine does.
void set_log(LogLevel least, LogCallback callback = {});

bool is_logged(LogLevel level);
void write_log(LogLevel level, const std::string& message) noexcept;

// Logs the parts, written one after the other. Thread-safe.
template <class... Parts>
void log(LogLevel level, const Parts&... parts) {
  if (is_logged(level)) write_log(level, text_of(parts...));
}

}  // namespace medplib::core
