// Region: what the user points at. Every kind becomes a mask at image size.
#pragma once

#include <medplib/core/image.h>

#include <opencv2/core/types.hpp>

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace medplib::core {

// Coordinates are pixels of the original image: x to the right, y down, (0, 0) the centre of the top left
// pixel. The functions that make a region refuse coordinates that are not finite. Errors: InvalidArgument.
class Region {
 public:
  // A square of half-width 20 pixels around the point, clipped to the image (41 × 41), as the published demo
  // draws it.
  static Region point(double x, double y);
  // Both corners belong to the box. Corners in any order.
  static Region box(double x0, double y0, double x1, double y1);
  // The inside of a closed polygon of three or more corners.
  static Region polygon(std::vector<cv::Point2d> corners);
  // A line drawn freehand, `thickness` pixels wide.
  static Region scribble(std::vector<cv::Point2d> points, double thickness = 5);
  // A mask of the image's size (CV_8UC1), copied: any value ≥ 1 is inside.
  static Region mask(const cv::Mat& mask);
  // A mask file, read as Pillow's grey ("L"): any value ≥ 1 is inside. Errors: as Image::read.
  static Region mask_file(const std::filesystem::path& path, const ImageLimits& limits = {});

  // "point:x,y", "box:x0,y0,x1,y1", "polygon:x,y,x,y,…", "scribble:x,y,x,y,…" or "mask:FILE"; the limits are
  // those of the file. Errors: InvalidArgument; for a mask file those of Image::read.
  static Region parse(const std::string& text, const ImageLimits& limits = {});

  // Returns the region on an image of this size: H × W, CV_8UC1, 1 inside, 0 outside. Coordinates go to the
  // nearest pixel. Errors: InvalidArgument when the region lies outside the image, covers no pixel, or a mask
  // has another size.
  cv::Mat rasterize(int width, int height) const;

  // "box (210, 90)–(300, 180)": for messages.
  std::string describe() const;

  struct Point {
    double x, y;
  };
  struct Box {
    double x0, y0, x1, y1;
  };
  struct Polygon {
    std::vector<cv::Point2d> corners;
  };
  struct Scribble {
    std::vector<cv::Point2d> points;
    double thickness;
  };
  struct MaskShape {
    cv::Mat mask;
  };
  using Shape = std::variant<Point, Box, Polygon, Scribble, MaskShape>;
  const Shape& shape() const { return shape_; }

 private:
  explicit Region(Shape shape) : shape_(std::move(shape)) {}
  Shape shape_;
};

}  // namespace medplib::core
