#include "entry.h"
#include "handles.h"

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <functional>
#include <vector>

namespace medplib::capi {
namespace {

using core::ErrorCode;
using core::fail;
using core::Region;

std::int32_t make(medplib_region** region, const std::function<Region()>& shape) {
  return guarded([&] {
    medplib_region*& made = output(region, "region");
    made = new medplib_region{shape()};
  });
}

std::vector<cv::Point2d> points_of(const double* xy, std::size_t count) {
  std::vector<cv::Point2d> points;
  if (count > 0) required(xy, "xy");
  for (std::size_t i = 0; i < count; ++i) points.emplace_back(xy[2 * i], xy[2 * i + 1]);
  return points;
}

// The caller's rows as they lie; the region copies them.
cv::Mat rows_of(const std::uint8_t* pixels, std::size_t byte_size, std::int32_t width, std::int32_t height,
                std::size_t stride) {
  required(pixels, "pixels");
  if (width < 1 || height < 1)
    fail(ErrorCode::InvalidArgument, "A mask of ", width, " × ", height, " pixels cannot be used.");
  const auto row = static_cast<std::size_t>(width), rows = static_cast<std::size_t>(height);
  if (stride < row || byte_size < row || (byte_size - row) / stride < rows - 1)
    fail(ErrorCode::InvalidArgument, byte_size, " bytes and a stride of ", stride, " are too few for ",
         height, " rows of ", width, " bytes.");
  return {height, width, CV_8UC1, const_cast<std::uint8_t*>(pixels), stride};  // cv::Mat has no const view
}

}  // namespace
}  // namespace medplib::capi

using namespace medplib::capi;

std::int32_t medplib_region_parse(const char* text, medplib_region** region) {
  return make(region, [&] { return Region::parse(&required(text, "text")); });
}

std::int32_t medplib_region_point(double x, double y, medplib_region** region) {
  return make(region, [&] { return Region::point(x, y); });
}

std::int32_t medplib_region_box(double x0, double y0, double x1, double y1, medplib_region** region) {
  return make(region, [&] { return Region::box(x0, y0, x1, y1); });
}

std::int32_t medplib_region_polygon(const double* xy, std::size_t count, medplib_region** region) {
  return make(region, [&] { return Region::polygon(points_of(xy, count)); });
}

std::int32_t medplib_region_scribble(const double* xy, std::size_t count, double thickness,
                                     medplib_region** region) {
  return make(region, [&] { return Region::scribble(points_of(xy, count), thickness); });
}

std::int32_t medplib_region_mask(const std::uint8_t* pixels, std::size_t byte_size, std::int32_t width,
                                 std::int32_t height, std::size_t stride, medplib_region** region) {
  return make(region, [&] { return Region::mask(rows_of(pixels, byte_size, width, height, stride)); });
}

void medplib_region_free(medplib_region* region) { delete region; }
