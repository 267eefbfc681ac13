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
constexpr std::int64_t kOneOutlierIn = 1000;  // values, but of those that aren't background one in:
constexpr std::int64_t kOneOfFewIn = 20;
constexpr std::int64_t kOneAsideIn = 20;  // at either end; nearly all is what lies between
constexpr int kSmallPart = 16;            // of the window

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

// Whether nearly all values but the background's lie in a small part of a window of this width.
bool is_crowded(Counts counts, std::int64_t seen, int width) {
  *std::ranges::max_element(counts) = 0;
  const std::int64_t aside = seen / kOneAsideIn;
  return first_beyond(counts, aside, kValues - 1, -1) - first_beyond(counts, aside, 0, 1) <
         width / kSmallPart;
}

}  // namespace

VisibleWindow visible_window(const cv::Mat& pixels) {
  const std::unique_ptr<Counts> all = counts_of(pixels);
  const Counts& counts = *all;
  const double zero = pixels.depth() == CV_16S ? 1 << 15 : 0;
  const std::int64_t different = kValues - std::ranges::count(counts, 0);
  const int darkest = first_beyond(counts, 0, 0, 1), brightest = first_beyond(counts, 0, kValues - 1, -1);
  if (different <= kFewValues) return {darkest - zero, brightest - zero};
  std::int64_t total = 0;
  for (const std::int64_t count : counts) total += count;
  const std::int64_t seen = total - std::ranges::max(counts);
  const std::int64_t outliers =
      std::max<std::int64_t>(std::min(total / kOneOutlierIn, seen / kOneOfFewIn), 1);
  int low = first_beyond(counts, outliers, 0, 1), high = first_beyond(counts, outliers, kValues - 1, -1);
  // What is beyond, but no farther off than the rest is wide, belongs to it.
  const int reach = high - low;
  low = first_beyond(counts, 0, std::max(low - reach, 0), 1);
  high = first_beyond(counts, 0, std::min(high + reach, kValues - 1), -1);
  return {low - zero, high - zero, is_crowded(*all, seen, high - low)};
}

}  // namespace medplib::core
