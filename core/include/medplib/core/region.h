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
  // The inside of a closed polygon of three or more corners, but for that of its holes; both outlines belong
  // to it.
  static Region polygon(std::vector<cv::Point2d> corners, std::vector<std::vector<cv::Point2d>> holes = {});
  // A line drawn freehand, `thickness` pixels wide.
  static Region scribble(std::vector<cv::Point2d> points, double thickness = 5);
  // A mask of the image's size, copied: any value ≥ 1 is inside (CV_8UC1). Of grey and alpha (CV_8UC2) or RGB
  // and alpha (CV_8UC4), alpha is the mask where it differs from place to place, with a warning; else
  // Pillow's grey ("L") is. `remarks`: what the caller knows of where it came from.
  static Region mask(const cv::Mat& mask, Remarks remarks = {});
  // The same from a file, of any layout that is read as an image. Errors: as Image::read.
  static Region mask_file(const std::filesystem::path& path, const ImageLimits& limits = {});

  // "point:x,y", "box:x0,y0,x1,y1", "polygon:x,y,x,y,…", "scribble:x,y,x,y,…" or "mask:FILE"; the limits are
  // those of the file. Errors: InvalidArgument; for a mask file those of Image::read.
  static Region parse(const std::string& text, const ImageLimits& limits = {});

  // Returns the region on an image of this size: H × W, CV_8UC1, 1 inside, 0 outside. Coordinates go to the
  // nearest pixel. Errors: InvalidArgument when the region lies outside the image, covers no pixel, or a mask
  // has another size.
  cv::Mat rasterize(int width, int height) const;

  // What is to be told of it, whole sentences; `drawn`: what rasterize gave. How its file was read; that a
  // part lies outside the image; that coordinates look like fractions of its size; that it is all of it.
  std::vector<std::string> warnings(const cv::Mat& drawn) const;

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
    std::vector<std::vector<cv::Point2d>> holes;
  };
  struct Scribble {
    std::vector<cv::Point2d> points;
    double thickness;
  };
  struct MaskShape {
    cv::Mat mask;
    std::vector<std::string> warnings;  // of how its file was read
  };
  using Shape = std::variant<Point, Box, Polygon, Scribble, MaskShape>;
  const Shape& shape() const { return shape_; }

 private:
  explicit Region(Shape shape) : shape_(std::move(shape)) {}
  Shape shape_;
};

// Whether these places, together, look like fractions of the image's size instead of its pixels: all lie
// between 0 and 1, and they are more than one or not whole. Never on an image of two pixels.
bool look_like_fractions(const std::vector<cv::Point2d>& places, const cv::Size& image);

// What is said then, behind "The region box (0.1, 0.2)–(0.3, 0.4) ".
std::string remark_of_fractions(const cv::Size& image);

}  // namespace medplib::core
