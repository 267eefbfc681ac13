// The interpreter's lock: long work gives it up, callbacks take it.
#pragma once

#include <pybind11/pybind11.h>

#include <cxxabi.h>
#include <memory>
#include <optional>
#include <unistd.h>

namespace medplib::python {

namespace py = pybind11;

// For a thread that wants the lock while Python is ending: until 3.13 Python unwinds it, which C++ answers by
// ending the process. It waits for the end instead, as in later versions.
[[noreturn]] inline void wait_for_the_end() {
  for (;;) pause();
}

// Other threads go on while one is alive.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() {
    try {
      PyEval_RestoreThread(state_);
    } catch (const abi::__forced_unwind&) {
      wait_for_the_end();
    }
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* state_;
};

// What `work` answers, computed while other threads go on.
template <class Work>
auto without_gil(const Work& work) {
  const WithoutGil release;
  return work();
}

// What `work` answers, which runs Python code.
template <class Work>
auto with_gil(const Work& work) {
  std::optional<py::gil_scoped_acquire> acquire;
  try {
    acquire.emplace();
    return work();
  } catch (const abi::__forced_unwind&) {
    wait_for_the_end();
  }
}

// Freeing weights, caches or pixels may take long.
struct FreeWithoutGil {
  template <class T>
  void operator()(T* object) const {
    const WithoutGil release;
    delete object;
  }
};

template <class T>
using Owned = std::unique_ptr<T, FreeWithoutGil>;

}  // namespace medplib::python
