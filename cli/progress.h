// How far long work is, on stderr: in place on a terminal.
#pragma once

#include <chrono>
#include <string>

namespace medplib::cli {

// "reading the weights: 42 %", and nothing once the part is 1; on a terminal alone.
void show_progress(const char* work, double part);

// "2:05 left", with hours from one on.
std::string time_left(double seconds);

// What is shown again and again, as often as one can read it.
class ProgressLine {
 public:
  enum class Kind {
    Fleeting,  // on a terminal alone, and gone at the end
    Lasting    // the last one stays; elsewhere it is a line a few times a minute
  };
  explicit ProgressLine(Kind kind) : kind_(kind) {}
  ~ProgressLine() { end(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Whether it is time to show it again; never with --quiet.
  bool is_due() const;
  void show(const std::string& line);
  // Before anything else is printed.
  void end();

 private:
  Kind kind_;
  std::chrono::steady_clock::time_point shown_{};
  bool open_ = false;
};

}  // namespace medplib::cli
