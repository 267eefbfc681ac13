#include "train/augment.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace medplib::core {
namespace {

// Half of the pictures are cut, every other of them to a square, which has no padding beside it; some
// coloured ones are put into a square instead: else the proportions of a set's pictures are what tells its
// kind.
cv::Size random_cut(const cv::Size& size, bool grey, Random& random) {
  const double kind = uniform(random, 0, 1);
  if (kind < 0.15 && !grey) return {std::max(size.width, size.height), std::max(size.width, size.height)};
  if (kind < 0.5) return size;
  const auto side = [&](int whole) {
    return std::max(1, static_cast<int>(std::lround(whole * uniform(random, 0.7, 1))));
  };
  if (kind < 0.75) {
    const int both = side(std::min(size.width, size.height));
    return {both, both};
  }
  const int width = side(size.width);
  return {width, side(size.height)};
}

// From pictures of size `from` to views of size `to`, the middle on the middle but for a shift.
cv::Mat random_affine(const cv::Size& from, const cv::Size& to, bool free_orientation, bool grey,
                      Random& random) {
  const double turn = free_orientation ? 180 : 15;
  const double angle = uniform(random, -turn, turn) * std::numbers::pi / 180;
  const double scale = std::exp(uniform(random, std::log(grey ? 0.8 : 0.7), std::log(grey ? 1.25 : 1.5)));
  const double mirror = free_orientation && uniform(random, 0, 1) < 0.5 ? -1 : 1;
  const double a = scale * std::cos(angle), b = scale * std::sin(angle);
  const double cx = (from.width - 1) / 2.0, cy = (from.height - 1) / 2.0;
  const double side = std::max(from.width, from.height);
  const double x = (to.width - 1) / 2.0 + uniform(random, -0.08, 0.08) * side;
  const double y = (to.height - 1) / 2.0 + uniform(random, -0.08, 0.08) * side;
  // x' = mirror · (a (x − cx) + b (y − cy)) + where the middle goes, and y' alike
  return (cv::Mat_<double>(2, 3) << mirror * a, mirror * b, x - mirror * (a * cx + b * cy), -b, a,
          y - (-b * cx + a * cy));
}

bool is_grey(const cv::Mat& rgb) {
  std::array<cv::Mat, 3> channels;
  cv::split(rgb, channels.data());
  return cv::norm(channels[0], channels[1], cv::NORM_INF) == 0 &&
         cv::norm(channels[1], channels[2], cv::NORM_INF) == 0;
}

// Towards grey or away from it, and each channel sees some of the others, as cameras and their settings
// differ.
void mix_channels(cv::Mat& rgb, Random& random) {
  const float s = static_cast<float>(uniform(random, 0.4, 1.3)), rest = (1 - s) / 3;
  cv::Matx33f mix(s + rest, rest, rest, rest, s + rest, rest, rest, rest, s + rest);
  for (int to = 0; to < 3; ++to)
    for (int from = 0; from < 3; ++from)
      if (to != from) mix(to, from) += static_cast<float>(uniform(random, -0.1, 0.25));
  cv::transform(rgb, rgb, mix);
}

// Lamps light one side more than the other, and the middle more than the rim.
void change_lighting(cv::Mat& rgb, Random& random) {
  const double angle = uniform(random, -std::numbers::pi, std::numbers::pi);
  const double slope = uniform(random, 0, 0.5), fall = uniform(random, 0, 0.5);
  const double cx = (rgb.cols - 1) / 2.0, cy = (rgb.rows - 1) / 2.0,
               half = std::max(rgb.cols, rgb.rows) / 2.0;
  for (int row = 0; row < rgb.rows; ++row)
    for (int column = 0; column < rgb.cols; ++column) {
      const double x = (column - cx) / half, y = (row - cy) / half;
      const double gain =
          1 + slope * (x * std::cos(angle) + y * std::sin(angle)) + fall * (0.5 - x * x - y * y);
      auto& pixel = rgb.at<cv::Vec3b>(row, column);
      pixel = cv::Vec3b(cv::Vec3d(pixel) * std::max(gain, 0.1));
    }
}

// What a camera with a round field sees, 1 inside and 0 outside of it: else black around a field tells which
// camera, and so which kind of picture.
cv::Mat random_field(const cv::Size& size, Random& random) {
  const double side = std::min(size.width, size.height), radius = side * uniform(random, 0.42, 0.7);
  const cv::Point2d middle(size.width / 2.0 + side * uniform(random, -0.08, 0.08),
                           size.height / 2.0 + side * uniform(random, -0.08, 0.08));
  cv::Mat field = cv::Mat::zeros(size, CV_8UC1);
  cv::circle(field, middle, static_cast<int>(std::lround(radius)), cv::Scalar(1), cv::FILLED);
  return field;
}

// Grey pictures stay grey.
void change_tones(cv::Mat& rgb, bool grey, Random& random) {
  if (!grey) mix_channels(rgb, random);
  if (!grey && uniform(random, 0, 1) < 0.5) change_lighting(rgb, random);
  const double gamma = std::exp(uniform(random, -0.35, 0.35));
  const double contrast = uniform(random, 0.8, 1.2), brightness = uniform(random, -20, 20);
  cv::Mat table(1, 256, CV_8UC3);
  cv::Vec3d tint(1, 1, 1);
  for (int channel = 0; channel < 3 && !grey; ++channel) tint[channel] = std::exp(uniform(random, -0.6, 0.6));
  for (int i = 0; i < 256; ++i)
    for (int channel = 0; channel < 3; ++channel) {
      const double v = 255 * std::pow(i / 255.0, gamma);
      table.at<cv::Vec3b>(i)[channel] =
          cv::saturate_cast<std::uint8_t>(((v - 128) * contrast + 128 + brightness) * tint[channel]);
    }
  cv::LUT(rgb, table, rgb);
  if (uniform(random, 0, 1) < 0.2) cv::GaussianBlur(rgb, rgb, cv::Size(), uniform(random, 0.3, 1.2));
  if (uniform(random, 0, 1) < 0.3) {
    cv::RNG noise(random());
    cv::Mat grains(rgb.size(), CV_16SC3), wide;
    noise.fill(grains, cv::RNG::NORMAL, 0, uniform(random, 1, 8));
    rgb.convertTo(wide, CV_16SC3);
    cv::Mat(wide + grains).convertTo(rgb, CV_8UC3);
  }
}

}  // namespace

double uniform(Random& random, double low, double high) {
  // 53 bits, so that the same seed gives the same view with every standard library
  return low + (high - low) * (static_cast<double>(random() >> 11) * 0x1.0p-53);
}

View augment(const View& view, bool free_orientation, Random& random) {
  View result;
  const bool grey = is_grey(view.rgb);
  const cv::Size size = random_cut(view.rgb.size(), grey, random);
  const cv::Mat affine = random_affine(view.rgb.size(), size, free_orientation, grey, random);
  // As a letterbox pads for CLIP, or as cameras leave what they don't see: else black around a picture tells
  // its set.
  const cv::Scalar padding = uniform(random, 0, 1) < 0.5 ? cv::Scalar(122, 116, 104) : cv::Scalar(0, 0, 0);
  cv::warpAffine(view.rgb, result.rgb, affine, size, cv::INTER_LINEAR, cv::BORDER_CONSTANT, padding);
  change_tones(result.rgb, grey, random);
  const bool round = !grey && uniform(random, 0, 1) < 0.35;
  const cv::Mat field = round ? random_field(size, random) : cv::Mat::ones(size, CV_8UC1);
  if (round) result.rgb.setTo(cv::Scalar(0, 0, 0), field == 0);
  for (const auto& mask : view.masks) {
    cv::Mat soft;
    cv::warpAffine(cv::Mat(mask * 255), soft, affine, size, cv::INTER_LINEAR, cv::BORDER_CONSTANT, 0);
    result.masks.push_back(cv::Mat(soft >= 128) / 255 & field);
  }
  return result;
}

View augment_with_all_masks(const View& view, bool free_orientation, Random& random) {
  constexpr int kTries = 4;
  for (int i = 0; i < kTries; ++i) {
    View seen = augment(view, free_orientation, random);
    bool lost = false;
    for (std::size_t mask = 0; mask < view.masks.size(); ++mask)
      lost = lost || (cv::countNonZero(view.masks[mask]) > 0 && cv::countNonZero(seen.masks[mask]) == 0);
    if (!lost) return seen;
  }
  return view;
}

}  // namespace medplib::core
