#include <medplib/core/error.h>
#include <medplib/core/mask.h>
#include <medplib/core/region.h>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <cmath>
#include <utility>

namespace medplib::core {

namespace {

// Column-major runs, the first of zeros.
std::vector<std::int64_t> runs_of(const cv::Mat& binary) {
  std::vector<std::int64_t> runs{0};
  std::uint8_t current = 0;
  for (int x = 0; x < binary.cols; ++x)
    for (int y = 0; y < binary.rows; ++y) {
      if (binary.at<std::uint8_t>(y, x) != current) {
        runs.push_back(0);
        current = binary.at<std::uint8_t>(y, x);
      }
      ++runs.back();
    }
  return runs;
}

// COCO's rleToString: from the fourth run on the difference to the run before the last, in groups of five
// bits.
std::string coco_string(const std::vector<std::int64_t>& runs) {
  std::string text;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::int64_t rest = i > 2 ? runs[i] - runs[i - 2] : runs[i];
    bool more = true;
    while (more) {
      auto group = rest & 0x1f;
      rest >>= 5;
      more = (group & 0x10) != 0 ? rest != -1 : rest != 0;
      if (more) group |= 0x20;
      text += static_cast<char>(group + 48);
    }
  }
  return text;
}

}  // namespace

Mask::Mask(cv::Mat logits, std::string label, double threshold)
    : logits_(std::move(logits)), label_(std::move(label)), threshold_(threshold) {
  if (logits_.empty() || logits_.type() != CV_32FC1)
    fail(ErrorCode::InvalidArgument, "A mask is made of rows of float logits.");
  if (!(threshold >= 0 && threshold <= 1))
    fail(ErrorCode::InvalidArgument, "A mask's threshold is a probability from 0 to 1, not ", threshold, ".");
}

Mask Mask::from_binary(const cv::Mat& inside) {
  constexpr float sure = 10;
  if (inside.empty() || inside.type() != CV_8UC1)
    fail(ErrorCode::InvalidArgument, "A mask is made of rows of one byte a pixel.");
  cv::Mat logits(inside.size(), CV_32FC1, cv::Scalar(-sure));
  logits.setTo(sure, inside);
  Mask mask(std::move(logits), "", 0.5);
  mask.by_hand_ = true;
  return mask;
}

Mask Mask::from_region(const Region& region, int width, int height) {
  const cv::Mat inside = region.rasterize(width, height);
  Mask mask = from_binary(inside);
  mask.warnings = region.warnings(inside);
  return mask;
}

cv::Mat Mask::binary() const {
  const double least_logit = std::log(threshold_ / (1 - threshold_));  // ±∞ at the ends
  cv::Mat inside;
  cv::compare(logits_, cv::Scalar(least_logit), inside, cv::CMP_GT);
  return inside / 255;
}

std::int64_t Mask::area() const { return cv::countNonZero(binary()); }

cv::Rect Mask::box() const { return cv::boundingRect(binary()); }

RunLengths Mask::run_lengths() const { return {height(), width(), coco_string(runs_of(binary()))}; }

std::vector<Outline> Mask::outlines() const {
  constexpr int next = 0, first_hole = 2;  // of OpenCV's hierarchy; −1: none
  constexpr std::size_t fewest = 3;
  std::vector<std::vector<cv::Point>> contours;
  std::vector<cv::Vec4i> hierarchy;
  cv::findContours(binary(), contours, hierarchy, cv::RETR_CCOMP, cv::CHAIN_APPROX_SIMPLE);
  const auto at = [](int index) { return static_cast<std::size_t>(index); };
  std::vector<Outline> outlines;
  for (int outer = contours.empty() ? -1 : 0; outer >= 0; outer = hierarchy[at(outer)][next]) {
    if (contours[at(outer)].size() < fewest) continue;
    Outline& outline = outlines.emplace_back(Outline{.outer = contours[at(outer)], .holes = {}});
    for (int hole = hierarchy[at(outer)][first_hole]; hole >= 0; hole = hierarchy[at(hole)][next])
      outline.holes.push_back(contours[at(hole)]);
  }
  return outlines;
}

std::string Mask::png() const { return encode_png(binary() * 255); }

}  // namespace medplib::core
