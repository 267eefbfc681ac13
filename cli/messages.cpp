#include "messages.h"

#include "options.h"

#include <medplib/core/log.h>

#include <cstdlib>
#include <iostream>
#include <string_view>
#include <unistd.h>

namespace medplib::cli {

using core::LogLevel;

namespace {

struct Settings {
  bool quiet = false;
  LogLevel least = LogLevel::Warning;
};
Settings settings;

// https://no-color.org
bool coloured() {
  const char* const no_color = std::getenv("NO_COLOR");
  return stderr_is_terminal() && (no_color == nullptr || *no_color == '\0');
}

void print(std::string_view kind, std::string_view colour, const std::string& sentence) {
  const bool paint = coloured();
  std::cerr << core::text_of("medplib: ", paint ? colour : "", kind, paint ? "\033[0m" : "", ": ", sentence,
                             '\n');
}

void print_log(LogLevel level, const std::string& message) {
  switch (level) {
    case LogLevel::Debug:
    case LogLevel::Info:
      return print(core::to_text(level), "", message);
    case LogLevel::Warning:
      return print_warning(message);
    default:
      return print_error(message);
  }
}

}  // namespace

void add_message_options(Options& options) {
  add_switch(options, "quiet", settings.quiet, "no warnings and no progress on stderr");
  add_choice(options, "log-level", settings.least,
             "least important message of the engine that is shown (default warning)");
}

void start_messages() {
  core::set_log(settings.quiet ? std::max(settings.least, LogLevel::Error) : settings.least, print_log);
}

bool quiet() { return settings.quiet; }

void print_error(const std::string& sentence) { print("error", "\033[1;31m", sentence); }

void print_warning(const std::string& sentence) {
  if (!settings.quiet) print("warning", "\033[1;33m", sentence);
}

void print_note(const std::string& sentence) {
  if (!settings.quiet) std::cerr << core::text_of("medplib: ", sentence, '\n');
}

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace medplib::cli
