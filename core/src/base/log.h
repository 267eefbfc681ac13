// Writing messages to the user of the engine. Never an image, a question, an answer, a name or a DICOM tag.
#pragma once

#include <medplib/core/error.h>
#include <medplib/core/log.h>

#include <string>

namespace medplib::core {

bool is_logged(LogLevel level);
void write_log(LogLevel level, const std::string& message) noexcept;

// Logs the parts, written one after the other. Thread-safe.
template <class... Parts>
void log(LogLevel level, const Parts&... parts) {
  if (is_logged(level)) write_log(level, text_of(parts...));
}

}  // namespace medplib::core
