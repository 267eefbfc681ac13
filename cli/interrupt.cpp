#include "interrupt.h"

#include <medplib/core/error.h>

#include <csignal>

namespace medplib::cli {

namespace {

std::atomic<bool> was_interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only use these");

void handle(int) { was_interrupted = true; }

}  // namespace

void catch_interrupts() {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of writing
  struct sigaction action {};
  action.sa_handler = handle;
  // No SA_RESTART: waiting for a line of stdin ends too.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    // A shell starts what runs in the background with Ctrl-C ignored, and that is how it stays.
    if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

const std::atomic<bool>& interrupted() { return was_interrupted; }

void stop_when_interrupted() {
  if (was_interrupted) core::fail(core::ErrorCode::Cancelled, "Interrupted.");
}

}  // namespace medplib::cli
