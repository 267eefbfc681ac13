#include <medplib/core/error.h>
#include <medplib/core/region.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>

namespace medplib::core {

namespace {

// What was drawn, as it was given; of a mask nothing.
struct PlacesOf {
  using Places = std::vector<cv::Point2d>;
  Places operator()(const Region::Point& point) const { return {{point.x, point.y}}; }
  Places operator()(const Region::Box& box) const { return {{box.x0, box.y0}, {box.x1, box.y1}}; }
  Places operator()(const Region::Polygon& polygon) const { return polygon.corners; }
  Places operator()(const Region::Scribble& scribble) const { return scribble.points; }
  Places operator()(const Region::MaskShape&) const { return {}; }
};

bool lies_outside(const cv::Point2d& place, const cv::Size& image) {
  return place.x < -0.5 || place.y < -0.5 || place.x > image.width - 0.5 || place.y > image.height - 0.5;
}

std::string size_in_words(const cv::Size& image) {
  return text_of("the image of ", image.width, " × ", image.height, " pixels");
}

}  // namespace

bool look_like_fractions(const std::vector<cv::Point2d>& places, const cv::Size& image) {
  const auto at_most_one = [](const cv::Point2d& p) { return p.x >= 0 && p.y >= 0 && p.x <= 1 && p.y <= 1; };
  const auto whole = [](const cv::Point2d& p) { return std::floor(p.x) == p.x && std::floor(p.y) == p.y; };
  if (places.empty() || std::max(image.width, image.height) <= 2 || !std::ranges::all_of(places, at_most_one))
    return false;
  return places.size() > 1 || !whole(places.front());
}

std::string remark_of_fractions(const cv::Size& image) {
  return text_of("looks like fractions of the image's size, but coordinates are pixels, here up to (",
                 image.width - 1, ", ", image.height - 1, ").");
}

std::vector<std::string> Region::warnings(const cv::Mat& drawn) const {
  const cv::Size image = drawn.size();
  const std::vector<cv::Point2d> places = std::visit(PlacesOf{}, shape_);
  const bool is_point = std::holds_alternative<Point>(shape_);  // whose square is meant to be clipped
  std::vector<std::string> warnings;
  if (const auto* mask = std::get_if<MaskShape>(&shape_)) warnings = mask->warnings;
  if (!is_point && std::ranges::any_of(places, [&](const cv::Point2d& p) { return lies_outside(p, image); }))
    warnings.push_back(text_of("A part of the region ", describe(), " lies outside ", size_in_words(image),
                               " and was left out."));
  if (look_like_fractions(places, image))
    warnings.push_back(text_of("The region ", describe(), " ", remark_of_fractions(image)));
  if (cv::countNonZero(drawn) == static_cast<int>(drawn.total()))
    warnings.push_back(text_of("The region ", describe(), " covers the whole of ", size_in_words(image),
                               is_point ? ": a point stands for 41 × 41 pixels around it." : "."));
  return warnings;
}

}  // namespace medplib::core
