// The window through which 16 bits are seen.
#include "image/decode.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

namespace medplib::core {

namespace {

constexpr int kValues = 1 << 16;
constexpr std::int64_t kFewValues = 16;       // of a label map, a mask or a drawing
constexpr std::int64_t kOneOutlierIn = 1000;  // values

// How often each value occurs; of CV_16S by value + 32768.
using Counts = std::array<std::int64_t, kValues>;

std::unique_ptr<Counts> counts_of(const cv::Mat& pixels) {
  const int flip = pixels.depth() == CV_16S ? 1 << 15 : 0;
  const int channels = pixels.channels(), colours = std::min(channels, 3);
  auto counts = std::make_unique<Counts>();
  for (int y = 0; y < pixels.rows; ++y) {
    const auto* row = pixels.ptr<std::uint16_t>(y);
    for (int x = 0; x < pixels.cols; ++x, row += channels)
      for (int colour = 0; colour < colours; ++colour)
        ++(*counts)[static_cast<std::size_t>(row[colour] ^ flip)];
  }
  return counts;
}

// The first value, from `begin` on in steps of `step`, with more than `left_out` values up to it.
int first_beyond(const Counts& counts, std::int64_t left_out, int begin, int step) {
  int value = begin;
  for (std::int64_t seen = 0;; value += step) {
    seen += counts[static_cast<std::size_t>(value)];
    if (seen > left_out) return value;
  }
}

}  // namespace

std::pair<double, double> visible_window(const cv::Mat& pixels) {
  const std::unique_ptr<Counts> all = counts_of(pixels);
  const Counts& counts = *all;
  const double zero = pixels.depth() == CV_16S ? 1 << 15 : 0;
  const std::int64_t different = kValues - std::ranges::count(counts, 0);
  std::int64_t total = 0;
  for (const std::int64_t count : counts) total += count;
  const std::int64_t outliers =
      different > kFewValues ? (total - std::ranges::max(counts)) / kOneOutlierIn : 0;
  const int low = first_beyond(counts, outliers, 0, 1);
  const int high = first_beyond(counts, outliers, kValues - 1, -1);
  if (outliers == 0) return {low - zero, high - zero};
  // What is beyond, but no farther off than the rest is wide, belongs to it.
  const int reach = high - low;
  const int lowest = std::max(low - reach, 0), highest = std::min(high + reach, kValues - 1);
  return {first_beyond(counts, 0, lowest, 1) - zero, first_beyond(counts, 0, highest, -1) - zero};
}

}  // namespace medplib::core
