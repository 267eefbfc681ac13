#include "data/look.h"

#include <opencv2/imgproc.hpp>

#include <bit>
#include <cstddef>

namespace medplib::core {
namespace {

constexpr int kSide = 16;
constexpr int kNoise = 2;  // of 255: what compression makes of even ground
// Of 256 bits. Of 1,145 pictures of 41 published sets, JPEG of quality 60 changed at most 6 in 95 of 100, and
// half the size at most 8; of the 655,000 pairs of them two that are of different patients have so few.
constexpr int kAlike = 8;

}  // namespace

Look look_of(const cv::Mat& rgb) {
  cv::Mat grey, small;
  cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
  cv::resize(grey, small, {kSide + 1, kSide}, 0, 0, cv::INTER_AREA);
  Look look{};
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x)
      if (const auto bit = static_cast<std::size_t>(y * kSide + x);
          small.at<std::uint8_t>(y, x + 1) - small.at<std::uint8_t>(y, x) > kNoise)
        look[bit / 64] |= std::uint64_t{1} << bit % 64;
  return look;
}

bool look_alike(const Look& one, const Look& other) {
  int different = 0;
  for (std::size_t i = 0; i < one.size(); ++i) different += std::popcount(one[i] ^ other[i]);
  return different <= kAlike;
}

}  // namespace medplib::core
