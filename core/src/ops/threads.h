// The number of threads that one operator may use, where computing begins.
#pragma once

namespace medplib::core {

// Gives the calling thread the number that was set for the process: OpenMP keeps one for each thread.
void use_threads();

}  // namespace medplib::core
