// Overlap: how a drawn mask compares with its target.
#include "arrays.h"
#include "bindings.h"

#include <medplib/core/eval.h>

#include <opencv2/core/mat.hpp>

#include <cstdint>

namespace medplib::python {

namespace {

using core::Overlap;
using Pixels = py::array_t<bool, py::array::c_style>;

// Over the array's own pixels, to be read only.
cv::Mat matrix_of(const Pixels& pixels) {
  if (pixels.ndim() != 2)
    core::fail(core::ErrorCode::InvalidArgument, "A mask is an array (height, width), not one of ",
               pixels.ndim(), " dimensions.");
  return {static_cast<int>(pixels.shape(0)), static_cast<int>(pixels.shape(1)), CV_8UC1,
          const_cast<bool*>(pixels.data())};
}

}  // namespace

void bind_eval(py::module_& module) {
  py::class_<Overlap>(module, "Overlap")
      .def_readonly("intersection", &Overlap::intersection)
      .def_readonly("in_union", &Overlap::in_union)
      .def_property_readonly("iou", &Overlap::iou)
      .def_property_readonly("dice", &Overlap::dice);
  module.def(
      "overlap",
      [](const Pixels& drawn, const Pixels& target) {
        return core::overlap_of(matrix_of(drawn), matrix_of(target));
      },
      py::arg("drawn"), py::arg("target"));
}

}  // namespace medplib::python
