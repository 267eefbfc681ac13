// Ctrl-C and SIGTERM: once stops cleanly, twice ends the program.
#pragma once

#include <atomic>

namespace medplib::cli {

void catch_interrupts();

// Set by the first.
const std::atomic<bool>& interrupted();
// Throws Cancelled when there was one.
void stop_when_interrupted();

}  // namespace medplib::cli
