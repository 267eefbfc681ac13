// Ctrl-C during long work.
#pragma once

#include "gil.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <pythread.h>

namespace medplib::python {

// The thread in which Python runs the handlers of signals.
inline unsigned long main_thread = 0;

class Signals {
 public:
  // Without the GIL: whether a handler raised by now, which `error` has then. Where others keep the GIL busy,
  // or are long in taking it back, it is asked for so seldom that the work hardly waits.
  bool raised() {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point asked = Clock::now();
    if (PyThread_get_thread_ident() != main_thread || asked < next_) return false;
    const bool found = with_gil([&] {
      if (PyErr_CheckSignals() == 0) return false;
      error_ = std::make_exception_ptr(py::error_already_set());
      return true;
    });
    const Clock::time_point done = Clock::now();
    next_ = done + std::min<Clock::duration>(20 * (done - asked), std::chrono::milliseconds(100));
    return found;
  }

  const std::exception_ptr& error() const { return error_; }

 private:
  std::chrono::steady_clock::time_point next_;
  std::exception_ptr error_;
};

}  // namespace medplib::python
