#include "messages.h"

#include "options.h"

#include <medplib/core/log.h>

#include <cstdlib>
#include <fcntl.h>
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

// On one line, and without what a terminal would obey: the name of a file may hold anything.
std::string as_line(const std::string& sentence) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string line;
  for (const char each : sentence) {
    const auto code = static_cast<unsigned char>(each);
    if (each == '\n')
      line += "\\n";
    else if (code < ' ' || code == 0x7f)
      line = line + "\\x" + digits[code >> 4] + digits[code & 0xf];
    else
      line += each;
  }
  return line;
}

void print(std::string_view kind, std::string_view colour, const std::string& sentence) {
  const bool paint = coloured();
  std::cerr << core::text_of("medplib: ", paint ? colour : "", kind, paint ? "\033[0m" : "", ": ",
                             as_line(sentence), '\n');
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

void occupy_closed_streams() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number)
    if (::fcntl(number, F_GETFD) == -1) ::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

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
  if (!settings.quiet) std::cerr << core::text_of("medplib: ", as_line(sentence), '\n');
}

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace medplib::cli
