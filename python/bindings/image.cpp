// Image, Region.
#include "arrays.h"
#include "bindings.h"

#include <medplib/core/error.h>
#include <medplib/core/image.h>
#include <medplib/core/mask.h>
#include <medplib/core/region.h>

#include <opencv2/core.hpp>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace medplib::python {

namespace {

using core::ErrorCode;
using core::fail;
using core::Image;
using core::Region;
const core::ImageLimits kLimits;
using Points = std::vector<std::pair<double, double>>;
using Window = Image::Window;  // the values that become black and white

core::ImageOptions options_of(std::uint64_t max_bytes, std::uint64_t max_pixels,
                              const std::string& sixteen_bit) {
  return {.limits = {.max_bytes = max_bytes, .max_pixels = max_pixels},
          .sixteen_bit = core::from_text<core::SixteenBit>(sixteen_bit)};
}

Image read(const std::filesystem::path& path, std::uint64_t max_bytes, std::uint64_t max_pixels,
           const std::string& sixteen_bit) {
  return Image::read(path, options_of(max_bytes, max_pixels, sixteen_bit));
}

// `bytes` is immutable and held by its caller.
Image decode(const py::bytes& bytes, const std::string& name, std::uint64_t max_bytes,
             std::uint64_t max_pixels, const std::string& sixteen_bit) {
  const auto content = static_cast<std::string_view>(bytes);
  return without_gil([&] {
    return Image::decode(std::as_bytes(std::span(content)), name,
                         options_of(max_bytes, max_pixels, sixteen_bit));
  });
}

// The same object. `what` begins the sentence. Errors: InvalidArgument, unless it is an array of numpy's.
py::array array_of(const py::object& given, const char* what) {
  if (!py::isinstance<py::array>(given))
    fail(ErrorCode::InvalidArgument, what, " is a numpy array, not ", Py_TYPE(given.ptr())->tp_name, ".");
  return py::reinterpret_borrow<py::array>(given);
}

std::string shape_of(const py::array& array) { return py::str(array.attr("shape")); }

// Errors: InvalidArgument, unless rows follow each other without gaps and an int counts them and their
// pixels.
void check_rows(const py::array& array, const char* what) {
  constexpr py::ssize_t most = std::numeric_limits<int>::max();
  if (array.shape(0) > most || array.shape(1) > most)
    fail(ErrorCode::InvalidArgument, what, " ", shape_of(array), " has a side above ", most, " pixels.");
  if (!(array.flags() & py::array::c_style))
    fail(ErrorCode::InvalidArgument, what, " ", shape_of(array),
         " lies in memory with gaps or in another order: give numpy.ascontiguousarray(array).");
}

int channels_of(const py::array& array) {
  const py::ssize_t channels = array.ndim() == 3 ? array.shape(2) : 1;
  if ((array.ndim() != 2 && array.ndim() != 3) || (channels != 1 && channels != 3 && channels != 4))
    fail(ErrorCode::InvalidArgument, "An image array is (H, W), (H, W, 3) or (H, W, 4), not ",
         shape_of(array), ".");
  return static_cast<int>(channels);
}

// `channels`, of the file, and how many of them are colours, where more than colours and alpha were in it.
// `orientation`: EXIF's. `several`: the file holds more pictures behind the first. `noisy`: a mask of a JPEG.
core::Remarks remarks_of(const std::optional<std::pair<int, int>>& channels, int orientation, bool several,
                         bool noisy) {
  core::Remarks remarks = core::remarks_of_orientation(orientation);
  if (channels) remarks.insert(remarks.begin(), core::remark_of_channels(channels->first, channels->second));
  if (several) remarks.emplace_back(core::kSeveralPictures);
  if (noisy) remarks.emplace_back(core::kNoisyMask);
  return remarks;
}

// `given`: (H, W) or (H, W, channels) of uint8, or of uint16, whose `window` is by default that of files.
Image image_of(const py::object& given, const std::optional<Window>& window, core::Remarks remarks) {
  const py::array array = array_of(given, "An image array");
  const bool sixteen = holds<std::uint16_t>(array);
  if (!sixteen && !holds<std::uint8_t>(array))
    fail(ErrorCode::InvalidArgument, "An image array holds uint8, 0 to 255, or uint16, but this one holds ",
         std::string(py::str(array.dtype())), ".");
  if (!sixteen && window)
    fail(ErrorCode::InvalidArgument, "A window is for uint16: uint8 is shown from 0 to 255.");
  const int channels = channels_of(array);
  check_rows(array, "The image array");
  const auto height = static_cast<int>(array.shape(0)), width = static_cast<int>(array.shape(1));
  const auto stride = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels) *
                      static_cast<std::size_t>(array.itemsize());
  return without_gil([&, pixels = bytes_of(array)] {
    if (!sixteen) return Image::from_pixels(pixels, width, height, stride, channels, std::move(remarks));
    return Image::from_pixels16(pixels, width, height, stride, channels, window, std::move(remarks));
  });
}

std::vector<cv::Point2d> corners_of(const Points& points) {
  std::vector<cv::Point2d> corners;
  for (const auto& [x, y] : points) corners.emplace_back(x, y);
  return corners;
}

// `given`: (H, W), (H, W, 2) or (H, W, 4) of uint8, the last channel alpha.
Region region_of(const py::object& given, core::Remarks remarks) {
  const py::array array = array_of(given, "A mask array");
  if (!holds<std::uint8_t>(array))
    fail(ErrorCode::InvalidArgument, "A mask array holds uint8, 1 and above inside, but this one holds ",
         std::string(py::str(array.dtype())), ".");
  const py::ssize_t channels = array.ndim() == 3 ? array.shape(2) : 1;
  if ((array.ndim() != 2 && array.ndim() != 3) || (array.ndim() == 3 && channels != 2 && channels != 4))
    fail(ErrorCode::InvalidArgument, "A mask array is (H, W), or (H, W, 2) or (H, W, 4) with alpha, not ",
         shape_of(array), ".");
  check_rows(array, "The mask array");
  // cv::Mat has no const view; the region copies.
  const cv::Mat mask(static_cast<int>(array.shape(0)), static_cast<int>(array.shape(1)),
                     CV_8UC(static_cast<int>(channels)), const_cast<void*>(array.data()));
  return without_gil([&] { return Region::mask(mask, std::move(remarks)); });
}

}  // namespace

void bind_image(py::module_& module) {
  module.def("_remarks_of", &remarks_of, py::kw_only(), py::arg("channels") = py::none(),
             py::arg("orientation") = 1, py::arg("several") = false, py::arg("noisy") = false);
  py::class_<Image, Owned<Image>> bound(module, "Image");
  stand_for_array(bound);
  bound
      .def_static("read", &read, py::arg("path"), py::kw_only(), py::arg("max_bytes") = kLimits.max_bytes,
                  py::arg("max_pixels") = kLimits.max_pixels, py::arg("sixteen_bit") = "window",
                  py::call_guard<WithoutGil>())
      .def_static("decode", &decode, py::arg("bytes"), py::arg("name") = "bytes", py::kw_only(),
                  py::arg("max_bytes") = kLimits.max_bytes, py::arg("max_pixels") = kLimits.max_pixels,
                  py::arg("sixteen_bit") = "window")
      .def_static("from_array", &image_of, py::arg("array"), py::arg("window") = py::none(), py::kw_only(),
                  py::arg("remarks") = core::Remarks())
      .def("_with_warnings", &Image::with_warnings, py::arg("warnings"))
      .def_property_readonly("width", &Image::width)
      .def_property_readonly("height", &Image::height)
      .def_property_readonly("name", &Image::name)
      .def_property_readonly("info", [](const Image& image) { return parsed(core::info_json(image)); })
      .def_property_readonly("array",
                             [](const Image& image) { return array_over<std::uint8_t>(image.rgb()); })
      .def("_repr_png_",
           [](const Image& image) {
             return py::bytes(without_gil([&] { return core::encode_png(image.rgb()); }));
           })
      .def("__repr__", [](const Image& image) {
        return core::text_of("<medplib.Image ", image.name(), " ", image.width(), " × ", image.height(), ">");
      });

  py::class_<Region, Owned<Region>>(module, "Region")
      .def_static("point", &Region::point, py::arg("x"), py::arg("y"))
      .def_static("box", &Region::box, py::arg("x0"), py::arg("y0"), py::arg("x1"), py::arg("y1"))
      .def_static(
          "polygon",
          [](const Points& corners, const std::vector<Points>& holes) {
            std::vector<std::vector<cv::Point2d>> rings;
            for (const Points& hole : holes) rings.push_back(corners_of(hole));
            return Region::polygon(corners_of(corners), std::move(rings));
          },
          py::arg("corners"), py::arg("holes") = std::vector<Points>())
      .def_static(
          "scribble",
          [](const Points& points, double thickness) {
            return Region::scribble(corners_of(points), thickness);
          },
          py::arg("points"), py::arg("thickness") = 5.0)
      .def_static("mask", &region_of, py::arg("array"), py::kw_only(), py::arg("remarks") = core::Remarks())
      .def_static(
          "mask_file", [](const std::filesystem::path& path) { return Region::mask_file(path); },
          py::arg("path"), py::call_guard<WithoutGil>())
      .def_static(
          "parse", [](const std::string& text) { return Region::parse(text); }, py::arg("text"),
          py::call_guard<WithoutGil>())
      .def("__repr__", [](const Region& region) { return "<medplib.Region " + region.describe() + ">"; });
}

}  // namespace medplib::python
