#include "support/pictures.h"
#include "support/thrown.h"

#include <medplib/core/image.h>
#include <medplib/core/mask.h>
#include <medplib/core/region.h>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <functional>

using namespace medplib::core;
using namespace medplib::test;

namespace {

Mask mask_of(const cv::Mat& binary) {
  cv::Mat logits;
  binary.convertTo(logits, CV_32F, 20, -10);
  return {logits, "thing", 0.5};
}

cv::Mat picture(int height, int width, const std::function<bool(int, int)>& inside) {
  cv::Mat binary(height, width, CV_8UC1);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) binary.at<std::uint8_t>(y, x) = inside(y, x) ? 1 : 0;
  return binary;
}

// COCO's rleFrString and rleDecode.
cv::Mat decoded(const RunLengths& coco) {
  std::vector<std::int64_t> runs;
  for (std::size_t p = 0; p < coco.counts.size();) {
    std::int64_t value = 0;
    int shift = 0;
    bool more = true;
    while (more) {
      const std::int64_t group = coco.counts[p++] - 48;
      value |= (group & 0x1f) << shift;
      more = (group & 0x20) != 0;
      shift += 5;
      if (!more && (group & 0x10) != 0) value |= -(std::int64_t{1} << shift);
    }
    if (runs.size() > 2) value += runs[runs.size() - 2];
    runs.push_back(value);
  }
  cv::Mat columns = cv::Mat::zeros(coco.width, coco.height, CV_8UC1);
  std::ptrdiff_t position = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (i % 2 == 1) std::fill_n(columns.data + position, runs[i], std::uint8_t{1});
    position += runs[i];
  }
  EXPECT_EQ(position, static_cast<std::ptrdiff_t>(columns.total()));
  return columns.t();
}

TEST(Mask, holds_the_pixels_whose_probability_is_above_the_threshold) {
  const cv::Mat logits = (cv::Mat_<float>(1, 5) << -2.3F, -2.1F, 0.0F, 1e-3F, std::nanf(""));
  const auto inside = [&](double threshold) { return Mask(logits, "", threshold).area(); };
  EXPECT_EQ(inside(0.5), 1);
  EXPECT_EQ(inside(0.1), 3);
  EXPECT_EQ(inside(0), 4);
  EXPECT_EQ(inside(1), 0);
}

TEST(Mask, of_other_rows_or_an_impossible_threshold_is_refused) {
  const cv::Mat logits = cv::Mat::zeros(2, 2, CV_32FC1);
  for (const auto& act : std::vector<std::function<void()>>{
           [&] { Mask(logits, "", 1.5); }, [&] { Mask(logits, "", std::nan("")); },
           [&] { Mask(cv::Mat::zeros(2, 2, CV_64FC1), "", 0.5); }, [&] { Mask(cv::Mat(), "", 0.5); }})
    EXPECT_EQ(thrown_by(act).code, ErrorCode::InvalidArgument);
}

// What pycocotools 2.0 encodes for the same pictures.
TEST(MaskRunLengths, are_cocos) {
  const auto counts = [](const cv::Mat& binary) { return mask_of(binary).run_lengths().counts; };
  EXPECT_EQ(counts(picture(4, 5, [](int, int) { return false; })), "d0");
  EXPECT_EQ(counts(picture(4, 5, [](int, int) { return true; })), "0d0");
  EXPECT_EQ(counts(picture(5, 7, [](int y, int x) { return y >= 1 && y < 4 && x >= 2 && x < 6; })),
            ";32000004");
  EXPECT_EQ(
      counts(picture(60, 40, [](int y, int x) { return (y - 30) * (y - 30) + (x - 18) * (x - 18) <= 225; })),
      "b61f1:I4L4M2N2N2O0O2O0O2O0000000O20N100000001N101N101N2N2N3L4L7F_:");
  EXPECT_EQ(counts(picture(300, 200, [](int y, int x) { return y + x == 0 || (y == 299 && x == 199); })),
            "01nbj10");
}

TEST(MaskRunLengths, decode_to_the_same_mask) {
  cv::RNG generator(5);
  for (int round = 0; round < 30; ++round) {
    cv::Mat values(generator.uniform(1, 90), generator.uniform(1, 90), CV_8UC1), smooth;
    generator.fill(values, cv::RNG::UNIFORM, 0, 256);
    cv::blur(values, smooth, {1 + round % 7, 1 + round % 5});
    const cv::Mat binary = (smooth > 127) / 255;
    EXPECT_EQ(differences(decoded(mask_of(binary).run_lengths()), binary), 0);
  }
}

TEST(Faults, holes_of_outlines__core__are_told_from_outlines) {
  cv::Mat ring = cv::Mat::zeros(40, 50, CV_8UC1);
  ring(cv::Rect(5, 6, 20, 22)) = 1;
  ring(cv::Rect(10, 12, 8, 8)) = 0;
  ring(cv::Rect(40, 2, 3, 3)) = 1;
  ring(cv::Rect(12, 14, 3, 3)) = 1;  // an island in the hole
  std::vector<std::size_t> holes;
  for (const Outline& outline : mask_of(ring).outlines()) holes.push_back(outline.holes.size());
  std::ranges::sort(holes);
  EXPECT_EQ(holes, (std::vector<std::size_t>{0, 0, 1}));
  EXPECT_TRUE(mask_of(cv::Mat::zeros(5, 5, CV_8UC1)).outlines().empty());
}

TEST(Faults, holes_of_outlines__core__outlines_of_one_or_two_corners_are_left_out) {
  cv::Mat specks = cv::Mat::zeros(20, 20, CV_8UC1);
  specks.at<std::uint8_t>(3, 3) = 1;
  specks(cv::Rect(8, 8, 5, 1)) = 1;
  EXPECT_TRUE(mask_of(specks).outlines().empty());
  specks(cv::Rect(8, 9, 1, 1)) = 1;
  EXPECT_EQ(mask_of(specks).outlines().size(), 1U);
}

// What the outlines say is inside, and the parts that have none: pixels and straight lines.
cv::Mat drawn_again(const cv::Mat& binary) {
  cv::Mat again = cv::Mat::zeros(binary.size(), CV_8UC1);
  for (const Outline& outline : mask_of(binary).outlines()) {
    const auto places = [](const std::vector<cv::Point>& corners) {
      return std::vector<cv::Point2d>(corners.begin(), corners.end());
    };
    std::vector<std::vector<cv::Point2d>> holes;
    for (const auto& hole : outline.holes) holes.push_back(places(hole));
    cv::bitwise_or(again, Region::polygon(places(outline.outer), holes).rasterize(binary.cols, binary.rows),
                   again);
  }
  return again;
}

cv::Mat without_specks(const cv::Mat& binary) {
  cv::Mat labels, kept = binary.clone();
  const int parts = cv::connectedComponents(binary, labels, 8);
  for (int part = 1; part < parts; ++part) {
    const cv::Mat inside = labels == part;
    std::vector<std::vector<cv::Point>> contours;
    cv::findContours(inside, contours, cv::RETR_EXTERNAL, cv::CHAIN_APPROX_SIMPLE);
    if (contours.front().size() < 3) kept.setTo(0, inside);
  }
  return kept;
}

TEST(Faults, holes_of_outlines__core__are_the_mask_again_to_the_pixel) {
  cv::RNG generator(7);
  int holes = 0;
  for (int round = 0; round < 60; ++round) {
    cv::Mat values(generator.uniform(20, 90), generator.uniform(20, 90), CV_8UC1), smooth;
    generator.fill(values, cv::RNG::UNIFORM, 0, 256);
    cv::blur(values, smooth, {1 + round % 6, 1 + round % 4});
    const cv::Mat binary = without_specks((smooth > 115) / 255);
    for (const Outline& outline : mask_of(binary).outlines()) holes += static_cast<int>(outline.holes.size());
    EXPECT_EQ(differences(drawn_again(binary), binary), 0) << "round " << round;
  }
  EXPECT_GT(holes, 100);
}

TEST(MaskFromRegion, has_the_regions_warnings) {
  EXPECT_EQ(Mask::from_region(Region::point(3, 3), 8, 8).warnings.size(), 1U);
  EXPECT_TRUE(Mask::from_region(Region::box(1, 1, 4, 4), 8, 8).warnings.empty());
}

TEST(MaskFromBinary, has_inside_what_was_inside) {
  const cv::Mat drawn = picture(20, 30, [](int y, int x) { return x > y; });
  const Mask mask = Mask::from_binary(drawn * 7);
  EXPECT_EQ(differences(mask.binary(), drawn), 0);
  EXPECT_EQ(mask.label(), "");
  EXPECT_FALSE(mask.presence || mask.iou_estimate);
  EXPECT_ANY_THROW((void)Mask::from_binary(cv::Mat(3, 3, CV_32FC1)));
}

TEST(MaskPng, is_black_and_white_at_image_size) {
  const cv::Mat binary = picture(20, 30, [](int y, int x) { return (x / 3 + y / 4) % 2 == 0; });
  const std::string png = mask_of(binary).png();
  const Image image = Image::decode(std::as_bytes(std::span(png)), "mask");
  cv::Mat grey;
  cv::extractChannel(image.rgb(), grey, 0);
  EXPECT_EQ(differences(grey, binary * 255), 0);
  EXPECT_EQ(image.origin().channels, 1);
}

Image grey_image(int width, int height) {
  const std::vector<std::byte> bytes(static_cast<std::size_t>(width) * static_cast<std::size_t>(height),
                                     std::byte{101});
  return Image::from_pixels(bytes, width, height, static_cast<std::size_t>(width), 1);
}

cv::Mat overlaid(const Image& image, const std::vector<Mask>& masks,
                 const std::vector<cv::Mat>& regions = {}) {
  const std::string png = overlay_png(image, masks, regions);
  return Image::decode(std::as_bytes(std::span(png)), "overlay").rgb();
}

TEST(Overlay, tints_each_mask_in_its_own_colour_and_leaves_the_rest) {
  cv::Mat left = cv::Mat::zeros(60, 100, CV_8UC1), right = left.clone();
  left(cv::Rect(5, 5, 30, 50)) = 1;
  right(cv::Rect(60, 5, 30, 50)) = 1;
  const cv::Mat drawn = overlaid(grey_image(100, 60), {mask_of(left), mask_of(right)});
  EXPECT_EQ(drawn.at<cv::Vec3b>(30, 48), cv::Vec3b(101, 101, 101));
  EXPECT_EQ(drawn.at<cv::Vec3b>(30, 20), cv::Vec3b(159, 127, 56));  // 0.55 · 101 + 0.45 · orange
  EXPECT_NE(drawn.at<cv::Vec3b>(30, 20), drawn.at<cv::Vec3b>(30, 75));
}

TEST(Overlay, outlines_what_was_pointed_at_in_white) {
  cv::Mat region = cv::Mat::zeros(60, 100, CV_8UC1);
  region(cv::Rect(20, 20, 41, 31)) = 1;
  const cv::Mat drawn = overlaid(grey_image(100, 60), {}, {region});
  EXPECT_EQ(drawn.at<cv::Vec3b>(35, 20), cv::Vec3b(255, 255, 255));
  EXPECT_LT(drawn.at<cv::Vec3b>(35, 19)[0], 60);
  EXPECT_EQ(drawn.at<cv::Vec3b>(35, 40), cv::Vec3b(101, 101, 101));
}

TEST(Overlay, of_a_mask_of_another_size_is_refused) {
  EXPECT_EQ(thrown_by([] { overlay_png(grey_image(10, 9), {mask_of(cv::Mat::ones(10, 9, CV_8UC1))}); }).code,
            ErrorCode::InvalidArgument);
}

}  // namespace
