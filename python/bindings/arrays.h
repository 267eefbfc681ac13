// Between numpy arrays and matrices.
#pragma once

#include "gil.h"

#include <opencv2/core/mat.hpp>
#include <pybind11/numpy.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace medplib::python {

// Rows without gaps; the caller's dtype is not converted.
using Logits = py::array_t<float, py::array::c_style>;

inline std::span<const std::byte> bytes_of(const py::array& array) {
  return {static_cast<const std::byte*>(array.data()), static_cast<std::size_t>(array.nbytes())};
}

// Whether its numbers are of this type, in the machine's byte order.
template <class T>
bool holds(const py::array& array) {
  return py::isinstance<py::array_t<T>>(array);
}

// An array (H, W) or (H, W, channels) over the matrix's own pixels, which it keeps alive. Read-only, since an
// image or a mask may have the same pixels.
template <class T>
py::array_t<T> array_over(const cv::Mat& pixels) {
  const py::capsule owner(new cv::Mat(pixels),
                          [](void* mat) { FreeWithoutGil{}(static_cast<cv::Mat*>(mat)); });
  py::array::ShapeContainer shape{pixels.rows, pixels.cols};
  py::array::StridesContainer strides{pixels.step[0], pixels.elemSize()};
  if (pixels.channels() > 1) {
    shape->push_back(pixels.channels());
    strides->push_back(static_cast<py::ssize_t>(pixels.elemSize1()));
  }
  py::array_t<T> array(shape, strides, reinterpret_cast<const T*>(pixels.data), owner);
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

// Lets numpy, torch and all who know DLPack take the object for the array that its property `array` is. Those
// who ask by DLPack get a copy, since they may write to it.
template <class Class>
void stand_for_array(Class& bound) {
  bound
      .def(
          "__array__",
          [](const py::object& self, const py::object& dtype, const py::object& copy) {
            return py::module_::import("numpy").attr("array")(self.attr("array"), py::arg("dtype") = dtype,
                                                              py::arg("copy") = copy);
          },
          py::arg("dtype") = py::none(), py::arg("copy") = py::none())
      .def("__dlpack__",
           [](const py::object& self, const py::kwargs& how) {
             return self.attr("array").attr("copy")().attr("__dlpack__")(**how);
           })
      .def("__dlpack_device__",
           [](const py::object& self) { return self.attr("array").attr("__dlpack_device__")(); });
}

}  // namespace medplib::python
