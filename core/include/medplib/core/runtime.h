// Build information, and the number of threads for computing.
#pragma once

#include <string>

namespace medplib::core {

std::string version();  // "0.1.0"

// Returns one JSON object: "version", "torch", "compiler", "built" ("release", "debug" or "sanitized").
std::string build_info_json();

// Threads that one operator may use, 1 … kMostThreads, for the whole process; by default one per core.
// Errors: InvalidArgument.
inline constexpr int kMostThreads = 256;
void set_threads(int threads);
int threads();

}  // namespace medplib::core
