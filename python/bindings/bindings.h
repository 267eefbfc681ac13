// What the binding files share.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

namespace medplib::python {

namespace py = pybind11;

// Freeing weights or caches takes long: other threads go on meanwhile.
struct FreeWithoutGil {
  template <class T>
  void operator()(T* object) const {
    py::gil_scoped_release release;
    delete object;
  }
};

// What `work` answers, computed while other threads go on.
template <class Work>
auto without_gil(const Work& work) {
  const py::gil_scoped_release release;
  return work();
}

template <class T>
using Owned = std::unique_ptr<T, FreeWithoutGil>;

void bind_image(py::module_& module);
void bind_answer(py::module_& module);
void bind_session(py::module_& module);

}  // namespace medplib::python
