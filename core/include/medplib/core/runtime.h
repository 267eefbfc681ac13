// The engine as a program: what it was built as, and how many threads it computes with.
#pragma once

#include <string>

namespace medplib::core {

std::string version();  // "0.1.0"

// One JSON object: "version", "torch", "compiler", "built" ("release", "debug" or "sanitized").
std::string build_info_json();

// Threads that one operator may use, 1 … kMostThreads, for the whole process; at the start one a core.
// Errors: InvalidArgument.
inline constexpr int kMostThreads = 256;
void set_threads(int threads);
int threads();

}  // namespace medplib::core
