// The number of threads that one operator may use.
#pragma once

namespace medplib::core {

// Applies the number that was set for the process to the calling thread: OpenMP keeps one for each thread.
void use_threads();

}  // namespace medplib::core
