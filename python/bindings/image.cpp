// Image, Region.
#include "arrays.h"
#include "bindings.h"

#include <medplib/core/error.h>
#include <medplib/core/image.h>
#include <medplib/core/mask.h>
#include <medplib/core/region.h>

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace medplib::python {

namespace {

using core::Image;
using core::Region;
const core::ImageLimits kLimits;
using Points = std::vector<std::pair<double, double>>;

core::ImageOptions options_of(std::uint64_t max_bytes, std::uint64_t max_pixels,
                              const std::string& sixteen_bit) {
  core::ImageOptions options{.limits = {.max_bytes = max_bytes, .max_pixels = max_pixels}};
  if (sixteen_bit == "high_byte")
    options.sixteen_bit = core::SixteenBit::HighByte;
  else if (sixteen_bit != "window")
    core::fail(core::ErrorCode::InvalidArgument, "sixteen_bit \"", sixteen_bit,
               "\" is none of \"window\" and \"high_byte\".");
  return options;
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

// `array`: (H, W, channels).
Image image_of(const Bytes& array) {
  const auto width = static_cast<int>(array.shape(1)), channels = static_cast<int>(array.shape(2));
  const auto height = static_cast<int>(array.shape(0));
  return without_gil([&, pixels = bytes_of(array)] {
    return Image::from_pixels(pixels, width, height, static_cast<std::size_t>(width) * channels, channels);
  });
}

std::vector<cv::Point2d> corners_of(const Points& points) {
  std::vector<cv::Point2d> corners;
  for (const auto& [x, y] : points) corners.emplace_back(x, y);
  return corners;
}

// `array`: (H, W).
Region region_of(const Bytes& array) {
  auto* pixels = const_cast<std::uint8_t*>(array.data());  // cv::Mat has no const view; the region copies
  const cv::Mat mask(static_cast<int>(array.shape(0)), static_cast<int>(array.shape(1)), CV_8UC1, pixels);
  return without_gil([&] { return Region::mask(mask); });
}

}  // namespace

void bind_image(py::module_& module) {
  py::class_<Image, Owned<Image>> bound(module, "Image");
  stand_for_array(bound);
  bound
      .def_static("read", &read, py::arg("path"), py::kw_only(), py::arg("max_bytes") = kLimits.max_bytes,
                  py::arg("max_pixels") = kLimits.max_pixels, py::arg("sixteen_bit") = "window",
                  py::call_guard<WithoutGil>())
      .def_static("decode", &decode, py::arg("bytes"), py::arg("name") = "bytes", py::kw_only(),
                  py::arg("max_bytes") = kLimits.max_bytes, py::arg("max_pixels") = kLimits.max_pixels,
                  py::arg("sixteen_bit") = "window")
      .def_static("from_array", &image_of, py::arg("array").noconvert())
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
          "polygon", [](const Points& corners) { return Region::polygon(corners_of(corners)); },
          py::arg("corners"))
      .def_static(
          "scribble",
          [](const Points& points, double thickness) {
            return Region::scribble(corners_of(points), thickness);
          },
          py::arg("points"), py::arg("thickness") = 5.0)
      .def_static("mask", &region_of, py::arg("array").noconvert())
      .def_static(
          "mask_file", [](const std::filesystem::path& path) { return Region::mask_file(path); },
          py::arg("path"), py::call_guard<WithoutGil>())
      .def_static(
          "parse", [](const std::string& text) { return Region::parse(text); }, py::arg("text"),
          py::call_guard<WithoutGil>())
      .def("__repr__", [](const Region& region) { return "<medplib.Region " + region.describe() + ">"; });
}

}  // namespace medplib::python
