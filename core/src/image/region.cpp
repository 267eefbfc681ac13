#include "image/decode.h"
#include "image/draw.h"

#include <medplib/core/error.h>
#include <medplib/core/region.h>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace medplib::core {

namespace {

constexpr int kPointHalfWidth = 20;
constexpr double kMostCoordinate = 1e7;  // beyond any image; keeps what follows within int
constexpr double kMostThickness = 10000;

void check_coordinate(double value) {
  if (!std::isfinite(value))
    fail(ErrorCode::InvalidArgument, "A region's coordinate must be a finite number of pixels, not ", value,
         ".");
  if (std::abs(value) > kMostCoordinate)
    fail(ErrorCode::InvalidArgument, "A region's coordinate of ", value, " pixels lies outside every image.");
}

void check_coordinates(const std::vector<cv::Point2d>& points) {
  for (const auto& point : points) {
    check_coordinate(point.x);
    check_coordinate(point.y);
  }
}

int nearest(double coordinate) { return static_cast<int>(std::floor(coordinate + 0.5)); }

std::vector<cv::Point> nearest(const std::vector<cv::Point2d>& points) {
  std::vector<cv::Point> out;
  out.reserve(points.size());
  for (const auto& point : points) out.emplace_back(nearest(point.x), nearest(point.y));
  return out;
}

[[noreturn]] void fail_outside(const Region& region, const cv::Mat& mask) {
  fail(ErrorCode::InvalidArgument, "The region ", region.describe(), " lies outside the image of ", mask.cols,
       " × ", mask.rows, " pixels.");
}

// Both corners belong to it; what lies outside the mask is cut off.
void fill_box(cv::Mat& mask, int x0, int y0, int x1, int y1) {
  const cv::Rect box(cv::Point(x0, y0), cv::Point(x1 + 1, y1 + 1));
  mask(box & cv::Rect({0, 0}, mask.size())) = 1;
}

struct Draw {
  const Region& region;
  cv::Mat& mask;

  void operator()(const Region::Point& point) const {
    const int x = nearest(point.x), y = nearest(point.y);
    if (x < 0 || y < 0 || x >= mask.cols || y >= mask.rows) fail_outside(region, mask);
    fill_box(mask, x - kPointHalfWidth, y - kPointHalfWidth, x + kPointHalfWidth, y + kPointHalfWidth);
  }
  void operator()(const Region::Box& box) const {
    fill_box(mask, nearest(box.x0), nearest(box.y0), nearest(box.x1), nearest(box.y1));
  }
  void operator()(const Region::Polygon& polygon) const {
    cv::fillPoly(mask, std::vector{nearest(polygon.corners)}, cv::Scalar(1));
    for (const auto& corners : polygon.holes) {
      const std::vector hole{nearest(corners)};
      cv::Mat inside = cv::Mat::zeros(mask.size(), CV_8UC1);
      cv::fillPoly(inside, hole, cv::Scalar(1));
      cv::polylines(inside, hole, true, cv::Scalar(0));  // the outline of a hole belongs to the polygon
      mask.setTo(0, inside);
    }
  }
  void operator()(const Region::Scribble& scribble) const {
    const auto points = nearest(scribble.points);
    for (std::size_t i = 0; i < points.size(); ++i)
      cv::line(mask, points[i > 0 ? i - 1 : 0], points[i], cv::Scalar(1));
    thickened(mask, scribble.thickness).copyTo(mask);
  }
  void operator()(const Region::MaskShape& shape) const {
    if (shape.mask.size() != mask.size())
      fail(ErrorCode::InvalidArgument, "The region is a mask of ", shape.mask.cols, " × ", shape.mask.rows,
           " pixels, but the image has ", mask.cols, " × ", mask.rows,
           ". A mask must have the image's size.");
    shape.mask.copyTo(mask);
    if (cv::countNonZero(mask) == 0)
      fail(ErrorCode::InvalidArgument, "The region is a mask without a pixel inside.");
  }
};

struct Describe {
  std::string operator()(const Region::Point& point) const {
    return text_of("point (", point.x, ", ", point.y, ")");
  }
  std::string operator()(const Region::Box& box) const {
    return text_of("box (", box.x0, ", ", box.y0, ")–(", box.x1, ", ", box.y1, ")");
  }
  std::string operator()(const Region::Polygon& polygon) const {
    return text_of("polygon of ", polygon.corners.size(), " corners");
  }
  std::string operator()(const Region::Scribble& scribble) const {
    return text_of("scribble of ", scribble.points.size(), " points");
  }
  std::string operator()(const Region::MaskShape& shape) const {
    return text_of("mask of ", cv::countNonZero(shape.mask), " pixels");
  }
};

}  // namespace

Region Region::point(double x, double y) {
  check_coordinates({{x, y}});
  return Region(Point{x, y});
}

Region Region::box(double x0, double y0, double x1, double y1) {
  check_coordinates({{x0, y0}, {x1, y1}});
  return Region(Box{std::min(x0, x1), std::min(y0, y1), std::max(x0, x1), std::max(y0, y1)});
}

Region Region::polygon(std::vector<cv::Point2d> corners, std::vector<std::vector<cv::Point2d>> holes) {
  if (corners.size() < 3)
    fail(ErrorCode::InvalidArgument, "A polygon has three or more corners, not ", corners.size(), ".");
  check_coordinates(corners);
  for (const auto& hole : holes) {
    if (hole.size() < 3)
      fail(ErrorCode::InvalidArgument, "A hole of a polygon has three or more corners, not ", hole.size(),
           ".");
    check_coordinates(hole);
  }
  return Region(Polygon{std::move(corners), std::move(holes)});
}

Region Region::scribble(std::vector<cv::Point2d> points, double thickness) {
  if (points.empty()) fail(ErrorCode::InvalidArgument, "A scribble has one or more points.");
  check_coordinates(points);
  if (!(thickness > 0 && thickness <= kMostThickness))
    fail(ErrorCode::InvalidArgument, "A scribble is more than 0 and at most ", kMostThickness,
         " pixels wide, not ", thickness, ".");
  return Region(Scribble{std::move(points), thickness});
}

Region Region::mask(const cv::Mat& mask, Remarks remarks) {
  const int channels = mask.channels();
  if (mask.empty() || mask.depth() != CV_8U || channels == 3 || channels > 4)
    fail(ErrorCode::InvalidArgument, "A region's mask has rows of 1, 2 or 4 bytes a pixel.");
  DecodedImage decoded{.pixels = mask, .origin = {.remarks = std::move(remarks)}};
  decoded.alpha = take_alpha(decoded.pixels);
  const ReadMask read = mask_of(std::move(decoded));
  return Region(MaskShape{read.inside, sentences_of(read.remarks, "mask")});
}

Region Region::mask_file(const std::filesystem::path& path, const ImageLimits& limits) {
  ReadMask mask = mask_of(read_any(path, limits));
  return Region(MaskShape{mask.inside, sentences_of(mask.remarks, path.string())});
}

cv::Mat Region::rasterize(int width, int height) const {
  if (width < 1 || height < 1)
    fail(ErrorCode::InvalidArgument, "A region needs an image, not one of ", width, " × ", height,
         " pixels.");
  cv::Mat mask = cv::Mat::zeros(height, width, CV_8UC1);
  std::visit(Draw{*this, mask}, shape_);
  if (cv::countNonZero(mask) == 0) fail_outside(*this, mask);
  return mask;
}

std::string Region::describe() const { return std::visit(Describe{}, shape_); }

}  // namespace medplib::core
