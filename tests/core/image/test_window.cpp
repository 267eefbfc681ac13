// The window through which 16 bits are seen where nobody says which.
#include "image/decode.h"
#include "support/pictures.h"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <utility>
#include <vector>

using namespace medplib::core;
using namespace medplib::test;

namespace {

using Window = std::pair<double, double>;

Window seen(const cv::Mat& pixels) {
  const VisibleWindow window = visible_window(pixels);
  return {window.low, window.high};
}

// A gradient from 0 to `brightest` on half of the picture; the rest is black.
cv::Mat scan(int side, int brightest) {
  cv::Mat pixels = cv::Mat::zeros(side, side, CV_16UC1);
  for (int y = 0; y < side; ++y)
    for (int x = side / 2; x < side; ++x)
      pixels.at<std::uint16_t>(y, x) =
          static_cast<std::uint16_t>(brightest * (y * side + x) / (side * side - 1));
  return pixels;
}

TEST(Faults, outlier_of_16_bits__core__window_leaves_outliers_out) {
  const cv::Mat clean = scan(256, 4000);
  cv::Mat one = clean.clone(), noise = clean.clone(), both = clean + 30000;
  one.at<std::uint16_t>(9, 9) = 65535;
  for (int i = 0; i < 30; ++i)
    noise.at<std::uint16_t>(7 * i, 200) = static_cast<std::uint16_t>(9000 + 1700 * i);
  both.at<std::uint16_t>(9, 9) = 65535;
  both.at<std::uint16_t>(9, 10) = 0;
  EXPECT_EQ(seen(clean), Window(0, 4000));
  EXPECT_EQ(seen(one), Window(0, 4000));
  EXPECT_EQ(seen(noise), Window(0, 4000));
  EXPECT_EQ(seen(both), Window(30000, 34000));
}

TEST(Faults, outlier_of_16_bits__core__window_of_signed_values_leaves_outliers_out_too) {
  cv::Mat pixels;
  scan(256, 3000).convertTo(pixels, CV_16SC1, 1, -1000);
  EXPECT_EQ(seen(pixels), Window(-1000, 2000));
  pixels.at<std::int16_t>(9, 9) = -32768;
  pixels.at<std::int16_t>(9, 10) = 32767;
  EXPECT_EQ(seen(pixels), Window(-1000, 2000));
}

TEST(Faults, outlier_of_16_bits__core__window_is_one_for_all_colours_and_alpha_is_none) {
  std::vector<cv::Mat> channels{scan(200, 4000), scan(200, 2000), scan(200, 1000),
                                cv::Mat(200, 200, CV_16UC1, cv::Scalar(65535))};
  cv::Mat pixels;
  cv::merge(channels, pixels);
  EXPECT_EQ(seen(pixels), Window(0, 4000));
}

TEST(Faults, outlier_of_16_bits__core__window_of_few_values_is_from_the_darkest_to_the_brightest) {
  cv::Mat binary = cv::Mat::zeros(500, 500, CV_16UC1), levels = binary.clone();
  binary.at<std::uint16_t>(3, 3) = 65535;
  levels(cv::Rect(0, 0, 500, 250)) = 100;
  levels.at<std::uint16_t>(3, 3) = 65535;
  EXPECT_EQ(seen(binary), Window(0, 65535));
  EXPECT_EQ(seen(levels), Window(0, 65535));
  EXPECT_EQ(seen(cv::Mat(1, 1, CV_16UC1, cv::Scalar(7))), Window(7, 7));
  EXPECT_EQ(seen(cv::Mat(300, 300, CV_16UC1, cv::Scalar(7))), Window(7, 7));
}

TEST(Faults, outlier_of_16_bits__core__window_of_a_small_picture_leaves_one_outlier_out) {
  cv::Mat small = scan(30, 900);
  small.at<std::uint16_t>(3, 3) = 65535;
  EXPECT_EQ(seen(small), Window(0, 900));
}

TEST(Faults, outlier_of_16_bits__core__window_leaves_a_thousandth_out_where_half_is_background) {
  cv::Mat pixels = scan(256, 4000);
  for (int i = 0; i < 65; ++i) pixels.at<std::uint16_t>(i, i) = 65535;
  EXPECT_EQ(seen(pixels), Window(0, 4000));
  EXPECT_FALSE(visible_window(pixels).crowded);
}

TEST(Faults, outlier_of_16_bits__core__window_of_few_values_on_background_leaves_a_hot_one_out) {
  cv::Mat pixels = cv::Mat::zeros(1000, 1000, CV_16UC1);
  for (int i = 0; i < 500; ++i) pixels.at<std::uint16_t>(i, 2 * i) = static_cast<std::uint16_t>(500 + 2 * i);
  pixels.at<std::uint16_t>(9, 9) = 65535;
  EXPECT_EQ(seen(pixels), Window(0, 1498));
}

TEST(Faults, outlier_of_16_bits__core__window_says_where_nearly_all_lies_in_a_small_part_of_it) {
  cv::Mat labelled = scan(256, 3000);
  EXPECT_FALSE(visible_window(labelled).crowded);
  labelled(cv::Rect(5, 5, 24, 20)) = 65535;  // a label that was burned in
  EXPECT_TRUE(visible_window(labelled).crowded);
  cv::Mat padded;
  scan(256, 2000).convertTo(padded, CV_16SC1, 1, -1000);
  padded(cv::Rect(0, 0, 256, 3)) = -32768;
  EXPECT_TRUE(visible_window(padded).crowded);
}

// Stars: all but a few values are one.
TEST(Faults, outlier_of_16_bits__core__window_keeps_what_is_rare_where_the_rest_is_background) {
  cv::Mat stars = cv::Mat::zeros(1000, 1000, CV_16UC1);
  for (int i = 0; i < 900; ++i)
    stars.at<std::uint16_t>(i, (i * 37) % 1000) = static_cast<std::uint16_t>(50 + 70 * i);
  EXPECT_EQ(seen(stars), Window(0, 50 + 70 * 899));
}

TEST(Faults, outlier_of_16_bits__core__window_keeps_a_bright_tail) {
  cv::Mat scanned = scan(256, 2000);
  for (int i = 0; i < 30; ++i)
    scanned.at<std::uint16_t>(7 * i, 200) = static_cast<std::uint16_t>(2000 + 60 * i);
  EXPECT_EQ(seen(scanned), Window(0, 2000 + 60 * 29));
}

}  // namespace
