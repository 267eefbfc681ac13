#include "image/geometry.h"
#include "support/pictures.h"
#include "support/thrown.h"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <array>

using namespace medplib::core;
using namespace medplib::test;

namespace {

const std::array<cv::Size, 9> kSizes{cv::Size(640, 480), cv::Size(480, 640), cv::Size(336, 336),
                                     cv::Size(1, 1),     cv::Size(1000, 3),  cv::Size(3, 1000),
                                     cv::Size(30000, 2), cv::Size(2, 1),     cv::Size(337, 335)};

cv::Mat noise(cv::Size size, int type) {
  cv::Mat pixels(size, type);
  cv::RNG generator(7);
  generator.fill(pixels, cv::RNG::UNIFORM, 0, 256);
  return pixels;
}

TEST(Letterbox, fills_the_longer_side_and_centres_the_shorter_one) {
  for (const int target : {1, 24, 256, 336})
    for (const cv::Size size : kSizes) {
      SCOPED_TRACE(testing::Message() << size.width << " × " << size.height << " → " << target);
      const Letterbox box = letterbox(size.width, size.height, target);
      EXPECT_EQ(std::max(box.resized_width, box.resized_height), target);
      EXPECT_GE(std::min(box.resized_width, box.resized_height), 1);
      const int right = target - box.resized_width - box.left(),
                bottom = target - box.resized_height - box.top();
      EXPECT_TRUE(right - box.left() == 0 || right - box.left() == 1);
      EXPECT_TRUE(bottom - box.top() == 0 || bottom - box.top() == 1);
    }
}

TEST(Letterbox, of_nothing_is_refused) {
  EXPECT_EQ(thrown_by([] { letterbox(0, 5, 336); }).code, ErrorCode::InvalidArgument);
  EXPECT_EQ(thrown_by([] { letterbox(5, 5, 0); }).code, ErrorCode::InvalidArgument);
}

TEST(ResizeBilinear, to_the_same_size_changes_nothing_and_shares_nothing) {
  cv::Mat pixels = noise({31, 17}, CV_8UC3);
  const cv::Mat before = pixels.clone();
  const cv::Mat same = resize_bilinear(pixels, 31, 17);
  pixels.setTo(0);
  EXPECT_EQ(differences(same, before), 0);
}

TEST(ResizeBilinear, keeps_an_even_colour_even) {
  for (const cv::Size size : kSizes) {
    const cv::Mat resized = resize_bilinear(cv::Mat(size, CV_8UC3, cv::Scalar(200, 1, 255)), 57, 43);
    EXPECT_EQ(differences(resized, cv::Mat(43, 57, CV_8UC3, cv::Scalar(200, 1, 255))), 0);
  }
}

TEST(ResizeBilinear, treats_each_channel_as_a_grey_picture) {
  const cv::Mat rgb = noise({53, 71}, CV_8UC3);
  const cv::Mat resized = resize_bilinear(rgb, 40, 90);
  for (int channel = 0; channel < 3; ++channel) {
    cv::Mat before, after;
    cv::extractChannel(rgb, before, channel);
    cv::extractChannel(resized, after, channel);
    EXPECT_EQ(differences(resize_bilinear(before, 40, 90), after), 0);
  }
}

TEST(ClipSquare, pads_with_the_published_colour) {
  const cv::Mat square = clip_square(cv::Mat(3, 1000, CV_8UC3, cv::Scalar::all(9)), 336);
  EXPECT_EQ(square.size(), cv::Size(336, 336));
  EXPECT_EQ(square.at<cv::Vec3b>(0, 0), cv::Vec3b(122, 116, 104));
  EXPECT_EQ(square.at<cv::Vec3b>(167, 300), cv::Vec3b(9, 9, 9));
  EXPECT_EQ(square.at<cv::Vec3b>(168, 300), cv::Vec3b(122, 116, 104));
}

TEST(RegionGrid, of_a_whole_square_image_is_full) {
  const RegionGrid grid = region_grid(cv::Mat::ones(100, 100, CV_8UC1), 336, 24);
  EXPECT_EQ(cv::countNonZero(grid.cells), 24 * 24);
  EXPECT_FALSE(grid.vanished);
}

TEST(RegionGrid, a_vanished_region_is_stood_for_by_the_cell_of_its_centroid) {
  cv::Mat mask = cv::Mat::zeros(1000, 500, CV_8UC1);
  mask.at<std::uint8_t>(999, 499) = 1;
  EXPECT_TRUE(region_grid(mask, 336, 24).vanished);
  const cv::Mat cell = centroid_cell(mask, 336, 24);
  EXPECT_EQ(cv::countNonZero(cell), 1);
  EXPECT_EQ(cell.at<std::uint8_t>(23, 17), 1);  // the image takes columns 6 … 17
}

TEST(CentroidCell, of_every_pixel_of_a_small_image_lies_inside_the_grid) {
  for (const cv::Size size : {cv::Size(7, 3), cv::Size(1, 1), cv::Size(2, 9)})
    for (int y = 0; y < size.height; ++y)
      for (int x = 0; x < size.width; ++x) {
        cv::Mat mask = cv::Mat::zeros(size, CV_8UC1);
        mask.at<std::uint8_t>(y, x) = 1;
        EXPECT_EQ(cv::countNonZero(centroid_cell(mask, 336, 24)), 1);
      }
}

TEST(CentroidCell, of_an_empty_mask_is_refused) {
  EXPECT_EQ(thrown_by([] { centroid_cell(cv::Mat::zeros(5, 5, CV_8UC1), 336, 24); }).code,
            ErrorCode::InvalidArgument);
}

}  // namespace
