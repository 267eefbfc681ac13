#include "progress.h"

#include "messages.h"

#include <medplib/core/error.h>

#include <cstdint>
#include <iomanip>
#include <iostream>
#include <sstream>

namespace medplib::cli {

namespace {

void print_in_place(const std::string& line) { std::cerr << "\r" + line + "\033[K" << std::flush; }

}  // namespace

void show_progress(const char* work, double part) {
  if (quiet() || !stderr_is_terminal()) return;
  print_in_place(part < 1 ? core::text_of("medplib: ", work, ": ", static_cast<int>(100 * part), " %") : "");
}

std::string time_left(double seconds) {
  const auto all = static_cast<std::int64_t>(seconds);
  std::ostringstream text;
  text << std::setfill('0');
  if (all >= 3600) text << all / 3600 << ':' << std::setw(2);
  text << all / 60 % 60 << ':' << std::setw(2) << all % 60 << " left";
  return text.str();
}

bool ProgressLine::is_due() const {
  const bool terminal = stderr_is_terminal();
  if (quiet() || (!terminal && kind_ == Kind::Fleeting)) return false;
  const auto pause = terminal ? std::chrono::seconds(1) : std::chrono::seconds(20);
  return std::chrono::steady_clock::now() - shown_ >= pause;
}

void ProgressLine::show(const std::string& line) {
  shown_ = std::chrono::steady_clock::now();
  open_ = stderr_is_terminal();
  if (open_)
    print_in_place(line);
  else
    std::cerr << line + '\n' << std::flush;
}

void ProgressLine::end() {
  if (!open_) return;
  open_ = false;
  if (kind_ == Kind::Lasting)
    std::cerr << '\n';
  else
    print_in_place("");
}

}  // namespace medplib::cli
