#include "base/log.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <utility>

namespace medplib::core {

namespace {

struct Target {
  LogLevel least;
  LogCallback callback;
};

void write_to_stderr(LogLevel level, const std::string& message) {
  std::string line = text_of("medplib: ", to_text(level), ": ", message);
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n';
  std::fputs(line.c_str(), stderr);  // one call, so that lines of two threads do not mix
}

struct Current {
  std::mutex mutex;
  std::shared_ptr<const Target> target = std::make_shared<Target>(Target{LogLevel::Warning, write_to_stderr});
};

// Never destroyed: a thread may log while the process ends.
Current& current() {
  static auto* const value = new Current;
  return *value;
}

std::shared_ptr<const Target> target() {
  const std::lock_guard lock(current().mutex);
  return current().target;
}

}  // namespace

void set_log(LogLevel least, LogCallback callback) {
  if (!callback) callback = write_to_stderr;
  std::shared_ptr<const Target> next = std::make_shared<Target>(Target{least, std::move(callback)});
  const std::lock_guard lock(current().mutex);
  current().target.swap(next);  // the old one is released after the lock: its destructor may log
}

void log_warning(const std::string& message) { write_log(LogLevel::Warning, message); }

bool is_logged(LogLevel level) { return level != LogLevel::Silent && level >= target()->least; }

void write_log(LogLevel level, const std::string& message) noexcept {
  try {
    const auto now = target();
    if (level != LogLevel::Silent && level >= now->least)
      now->callback(level, shortened(message, kLongestMessage));
  } catch (...) {  // NOLINT(bugprone-empty-catch): as the header says
  }
}

}  // namespace medplib::core
