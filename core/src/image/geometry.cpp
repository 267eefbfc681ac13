#include "image/geometry.h"

#include <medplib/core/error.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace medplib::core {

namespace {

// Pillow's fixed point: 8 bits of pixel, 2 of head room, the rest of 32 for the weight.
constexpr int kPrecisionBits = 22;
const cv::Scalar kClipPadding(122, 116, 104);

// The source pixels, and their weights, that one output pixel is made of.
struct Taps {
  int first = 0;
  std::vector<std::int32_t> weights;
};

// C's and Python's int(): Pillow rounds by adding a half and cutting off.
int truncated(double value) { return static_cast<int>(value); }

// Resampling.c of Pillow 10: precompute_coeffs and normalize_coeffs_8bpc with the triangle filter.
std::vector<Taps> bilinear_taps(int in, int out) {
  const double scale = static_cast<double>(in) / out;
  const double support = std::max(scale, 1.0);
  std::vector<Taps> all(static_cast<std::size_t>(out));
  for (int o = 0; o < out; ++o) {
    const double centre = (o + 0.5) * scale;
    const int first = std::max(truncated(centre - support + 0.5), 0);
    const int end = std::min(truncated(centre + support + 0.5), in);
    std::vector<double> weights;
    double sum = 0;
    for (int x = first; x < end; ++x) {
      weights.push_back(std::max(0.0, 1.0 - std::abs((x - centre + 0.5) * (1.0 / support))));
      sum += weights.back();
    }
    Taps& taps = all[static_cast<std::size_t>(o)];
    taps.first = first;
    for (const double weight : weights)
      taps.weights.push_back(truncated(0.5 + weight / sum * (1 << kPrecisionBits)));
  }
  return all;
}

std::uint8_t clip8(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

cv::Mat resize_columns(const cv::Mat& pixels, int width) {
  const std::vector<Taps> taps = bilinear_taps(pixels.cols, width);
  const int channels = pixels.channels();
  cv::Mat out(pixels.rows, width, pixels.type());
  for (int row = 0; row < pixels.rows; ++row) {
    const std::uint8_t* from = pixels.ptr(row);
    std::uint8_t* to = out.ptr(row);
    for (const Taps& tap : taps) {
      std::array<std::int32_t, 3> sums;
      sums.fill(1 << (kPrecisionBits - 1));
      const std::uint8_t* pixel = from + static_cast<std::ptrdiff_t>(tap.first) * channels;
      for (const std::int32_t weight : tap.weights)
        for (int c = 0; c < channels; ++c) sums[static_cast<std::size_t>(c)] += weight * *pixel++;
      for (int c = 0; c < channels; ++c) *to++ = clip8(sums[static_cast<std::size_t>(c)]);
    }
  }
  return out;
}

cv::Mat resize_rows(const cv::Mat& pixels, int height) {
  const std::vector<Taps> taps = bilinear_taps(pixels.rows, height);
  const auto bytes = static_cast<std::size_t>(pixels.cols) * pixels.elemSize();
  cv::Mat out(height, pixels.cols, pixels.type());
  std::vector<std::int32_t> sums(bytes);
  for (int row = 0; row < height; ++row) {
    const Taps& tap = taps[static_cast<std::size_t>(row)];
    std::fill(sums.begin(), sums.end(), 1 << (kPrecisionBits - 1));
    for (std::size_t k = 0; k < tap.weights.size(); ++k) {
      const std::uint8_t* from = pixels.ptr(tap.first + static_cast<int>(k));
      for (std::size_t i = 0; i < bytes; ++i) sums[i] += tap.weights[k] * from[i];
    }
    std::transform(sums.begin(), sums.end(), out.ptr(row), clip8);
  }
  return out;
}

void check_side(int side, const char* what) {
  if (side < 1) fail(ErrorCode::InvalidArgument, "The ", what, " must be at least 1, but it is ", side, ".");
}

int scaled_side(int side, double scale) { return std::max(1, truncated(side * scale + 0.5)); }

cv::Mat resized_into(const cv::Mat& pixels, const Letterbox& box) {
  return resize_bilinear(pixels, box.resized_width, box.resized_height);
}

cv::Mat padded(const cv::Mat& resized, const Letterbox& box, const cv::Scalar& colour) {
  cv::Mat square(box.target, box.target, resized.type(), colour);
  resized.copyTo(square(cv::Rect(box.left(), box.top(), resized.cols, resized.rows)));
  return square;
}

}  // namespace

Letterbox letterbox(int width, int height, int target) {
  check_side(width, "width of an image");
  check_side(height, "height of an image");
  check_side(target, "side of the square");
  const double scale = static_cast<double>(target) / std::max(width, height);
  return {width, height, target, scaled_side(width, scale), scaled_side(height, scale)};
}

cv::Mat resize_bilinear(const cv::Mat& pixels, int width, int height) {
  if (pixels.empty() || (pixels.type() != CV_8UC1 && pixels.type() != CV_8UC3))
    fail(ErrorCode::InvalidArgument, "Only pixels of one or three bytes can be resized.");
  check_side(width, "new width of an image");
  check_side(height, "new height of an image");
  const cv::Mat wide = width == pixels.cols ? pixels : resize_columns(pixels, width);
  return height == pixels.rows ? wide.clone() : resize_rows(wide, height);
}

cv::Mat clip_square(const cv::Mat& rgb, int target) {
  const Letterbox box = letterbox(rgb.cols, rgb.rows, target);
  return padded(resized_into(rgb, box), box, kClipPadding);
}

cv::Mat sam_resized(const cv::Mat& rgb, int target) {
  return resized_into(rgb, letterbox(rgb.cols, rgb.rows, target));
}

RegionGrid region_grid(const cv::Mat& mask, int target, int grid) {
  check_side(grid, "region grid");
  const Letterbox box = letterbox(mask.cols, mask.rows, target);
  const cv::Mat square = padded(resized_into(mask, box), box, cv::Scalar(0));
  RegionGrid out{cv::Mat(grid, grid, CV_8UC1), false};
  for (int i = 0; i < grid; ++i)
    for (int j = 0; j < grid; ++j)
      out.cells.at<std::uint8_t>(i, j) = square.at<std::uint8_t>(i * target / grid, j * target / grid) != 0;
  out.vanished = cv::countNonZero(out.cells) == 0;
  return out;
}

cv::Mat centroid_cell(const cv::Mat& mask, int target, int grid) {
  check_side(grid, "region grid");
  const Letterbox box = letterbox(mask.cols, mask.rows, target);
  double sum_x = 0, sum_y = 0, count = 0;
  for (int y = 0; y < mask.rows; ++y)
    for (int x = 0; x < mask.cols; ++x)
      if (mask.at<std::uint8_t>(y, x) != 0) {
        sum_x += x + 0.5;
        sum_y += y + 0.5;
        ++count;
      }
  if (count == 0) fail(ErrorCode::InvalidArgument, "A region without a pixel has no centroid.");
  const double x = box.left() + sum_x / count * box.resized_width / box.source_width;
  const double y = box.top() + sum_y / count * box.resized_height / box.source_height;
  cv::Mat cells = cv::Mat::zeros(grid, grid, CV_8UC1);
  cells.at<std::uint8_t>(static_cast<int>(y * grid / target), static_cast<int>(x * grid / target)) = 1;
  return cells;
}

}  // namespace medplib::core
