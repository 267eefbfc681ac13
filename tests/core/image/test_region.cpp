#include "support/pictures.h"
#include "support/plain_safetensors.h"
#include "support/temporary_folder.h"
#include "support/thrown.h"

#include <medplib/core/mask.h>
#include <medplib/core/region.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include <limits>

using namespace medplib::core;
using namespace medplib::test;
using testing::HasSubstr;

namespace {

TEST(Region, a_point_is_a_square_of_41_pixels_cut_at_the_border) {
  EXPECT_EQ(cv::countNonZero(Region::point(100, 60).rasterize(200, 120)), 41 * 41);
  const cv::Mat corner = Region::point(0, 0).rasterize(200, 120);
  EXPECT_EQ(cv::countNonZero(corner), 21 * 21);
  EXPECT_EQ(corner.at<std::uint8_t>(20, 20), 1);
  EXPECT_EQ(corner.at<std::uint8_t>(21, 20), 0);
}

TEST(Region, a_box_holds_both_corners_in_any_order) {
  const cv::Mat mask = Region::box(12, 9, 3, 5).rasterize(20, 10);
  cv::Mat expected = cv::Mat::zeros(10, 20, CV_8UC1);
  expected(cv::Rect(3, 5, 10, 5)) = 1;
  EXPECT_EQ(differences(mask, expected), 0);
}

TEST(Region, coordinates_go_to_the_nearest_pixel) {
  EXPECT_EQ(differences(Region::box(2.4, 2.6, 6.5, 7.49).rasterize(20, 20),
                        Region::box(2, 3, 7, 7).rasterize(20, 20)),
            0);
}

TEST(Region, a_box_over_the_border_is_cut_there) {
  EXPECT_EQ(cv::countNonZero(Region::box(-5, -5, 1e6, 3).rasterize(30, 20)), 30 * 4);
}

TEST(Region, a_box_outside_the_image_is_refused_with_a_sentence) {
  const Thrown refusal = thrown_by([] { Region::box(300, 0, 310, 9).rasterize(300, 200); });
  EXPECT_EQ(refusal.code, ErrorCode::InvalidArgument);
  EXPECT_EQ(refusal.sentence, "The region box (300, 0)–(310, 9) lies outside the image of 300 × 200 pixels.");
}

TEST(Region, a_point_outside_the_image_is_refused_even_when_its_square_reaches_in) {
  EXPECT_EQ(thrown_by([] { Region::point(-1, 5).rasterize(300, 200); }).code, ErrorCode::InvalidArgument);
}

TEST(Region, a_polygon_holds_its_corners_and_its_inside) {
  const cv::Mat mask = Region::polygon({{2, 2}, {10, 2}, {10, 8}, {2, 8}}).rasterize(20, 20);
  EXPECT_EQ(differences(mask, Region::box(2, 2, 10, 8).rasterize(20, 20)), 0);
}

TEST(Region, a_scribble_is_a_line_of_its_thickness) {
  const cv::Mat mask = Region::scribble({{5, 20}, {45, 20}}, 5).rasterize(50, 40);
  EXPECT_EQ(cv::countNonZero(mask.col(25)), 5);
  EXPECT_EQ(mask.at<std::uint8_t>(18, 25), 1);
  EXPECT_EQ(mask.at<std::uint8_t>(22, 25), 1);
  EXPECT_GT(cv::countNonZero(Region::scribble({{5, 5}}).rasterize(50, 40)), 9);
}

TEST(Region, drawn_far_beyond_the_image_covers_the_part_inside) {
  EXPECT_EQ(cv::countNonZero(
                Region::polygon({{-1e7, -1e7}, {1e7, -1e7}, {1e7, 1e7}, {-1e7, 1e7}}).rasterize(30, 20)),
            30 * 20);
  EXPECT_EQ(cv::countNonZero(Region::scribble({{-1e7, 10}, {1e7, 10}}, 3).rasterize(30, 20)), 30 * 3);
}

TEST(Region, a_mask_holds_every_value_from_one_on) {
  cv::Mat values = (cv::Mat_<std::uint8_t>(1, 4) << 0, 1, 128, 255);
  const Region region = Region::mask(values);
  values.setTo(0);  // it was copied
  EXPECT_EQ(differences(region.rasterize(4, 1), (cv::Mat_<std::uint8_t>(1, 4) << 0, 1, 1, 1)), 0);
}

TEST(Region, a_mask_of_another_size_or_without_a_pixel_is_refused) {
  const Thrown size = thrown_by([] { Region::mask(cv::Mat::ones(5, 4, CV_8UC1)).rasterize(5, 4); });
  EXPECT_EQ(size.code, ErrorCode::InvalidArgument);
  EXPECT_THAT(size.sentence, HasSubstr("4 × 5 pixels, but the image has 5 × 4"));
  EXPECT_THAT(thrown_by([] { Region::mask(cv::Mat::zeros(4, 5, CV_8UC1)).rasterize(5, 4); }).sentence,
              HasSubstr("without a pixel"));
}

TEST(Region, of_numbers_that_are_none_is_refused) {
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               infinity = std::numeric_limits<double>::infinity();
  for (const auto& act : std::vector<std::function<void()>>{
           [&] { Region::point(nan, 1); }, [&] { Region::box(0, 0, infinity, 1); },
           [&] {
             Region::polygon({{0, 0}, {1, 1}});
           },
           [&] {
             Region::polygon({{0, 0}, {1, nan}, {3, 3}});
           },
           [&] { Region::scribble({}); },
           [&] {
             Region::scribble({{1, 1}}, nan);
           },
           [&] {
             Region::scribble({{1, 1}}, 0);
           },
           [&] { Region::point(1e300, 1); }, [&] { Region::mask(cv::Mat()); }})
    EXPECT_EQ(thrown_by(act).code, ErrorCode::InvalidArgument);
}

TEST(RegionParse, reads_every_form) {
  EXPECT_EQ(Region::parse("point:3,4.5").describe(), "point (3, 4.5)");
  EXPECT_EQ(Region::parse("box:210, 90, 300, 180").describe(), "box (210, 90)–(300, 180)");
  EXPECT_EQ(Region::parse("polygon:0,0,9,0,9,9").describe(), "polygon of 3 corners");
  EXPECT_EQ(Region::parse("scribble:-1,0,9,0").describe(), "scribble of 2 points");
  const TemporaryFolder folder;
  const auto file = folder.write("a,b:c.png", encode_png(cv::Mat::ones(2, 3, CV_8UC1)));
  EXPECT_EQ(Region::parse("mask:" + file.string()).describe(), "mask of 6 pixels");
}

TEST(RegionParse, says_what_is_wrong) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"point:nan,1", "finite"},
      {"point:1", "1 numbers instead of 2"},
      {"box:1,2,3", "3 numbers instead of 4"},
      {"box:1,2,3,4,5", "5 numbers instead of 4"},
      {"point:1,2x", "\"2x\""},
      {"point:1,,2", "\"\" in the region"},
      {"point:1,2,", "\"\" in the region"},
      {"polygon:1,2,3,4,5", "even count"},
      {"polygon:1,2,3,4", "three or more corners"},
      {"scribble:1,2,3", "even count"},
      {"circle:1,2,3", "is not a region"},
      {"box", "is not a region"},
      {"", "is not a region"},
      {"box:", "Nothing follows"},
      {"mask:", "Nothing follows"},
  };
  for (const auto& [text, part] : cases) {
    const Thrown refusal = thrown_by([&region = text] { Region::parse(region); });
    EXPECT_EQ(refusal.code, ErrorCode::InvalidArgument) << text;
    EXPECT_THAT(refusal.sentence, HasSubstr(part)) << text;
  }
  EXPECT_EQ(thrown_by([] { Region::parse("mask:/no/such/file.png"); }).code, ErrorCode::NotFound);
}

// The files that mask_reading.json tells of, by its descriptions.
std::map<std::string, std::string> mask_files() {
  const cv::Mat grey = (cv::Mat_<std::uint8_t>(2, 2) << 0, 1, 1, 1);
  const cv::Mat rgb = (cv::Mat_<cv::Vec3b>(2, 2) << cv::Vec3b(1, 0, 0), cv::Vec3b(0, 1, 0),
                       cv::Vec3b(0, 2, 0), cv::Vec3b(255, 0, 0));
  return {{"grey 0/1", encode_png(grey)}, {"rgb (1,0,0),(0,1,0),(0,2,0),(255,0,0)", encode_png(rgb)}};
}

TEST(RegionMaskFile, reads_odd_masks_as_the_published_code_does) {
  const TemporaryFolder folder;
  auto made = mask_files();
  const std::filesystem::path files = source_folder() / "tests/core/image/files";
  made["rgba alpha 0"] = bytes_of(files / "mask_rgba.png");
  made["16-bit 1,255,256,65535"] = bytes_of(files / "mask_grey16.png");
  made["palette idx 0..3 = black, red, (0,0,1), (0,3,0)"] = bytes_of(files / "mask_palette.png");
  int compared = 0;
  for (const auto& entry : nlohmann::json::parse(bytes_of(golden("preprocess/mask_reading.json")))) {
    const auto file = made.find(entry["description"]);
    if (file == made.end()) continue;
    SCOPED_TRACE(file->first);
    const auto rows = entry["result"].get<std::vector<std::vector<int>>>();
    const int width = static_cast<int>(rows[0].size()), height = static_cast<int>(rows.size());
    const cv::Mat mask = Region::mask_file(folder.write("mask.png", file->second)).rasterize(width, height);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) EXPECT_EQ(mask.at<std::uint8_t>(y, x), rows[y][x]) << x << ", " << y;
    ++compared;
  }
  EXPECT_GT(compared, 0);
}

}  // namespace
