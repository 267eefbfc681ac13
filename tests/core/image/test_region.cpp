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
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

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

// Where the published code looks at the colours below, which are often one colour.
TEST(Faults, alpha_mask__core__of_a_png_that_differs_from_place_to_place_is_the_mask_with_a_warning) {
  const TemporaryFolder folder;
  const std::string bytes = bytes_of(source_folder() / "tests/core/image/files/mask_rgba.png");
  const Region region = Region::mask_file(folder.write("brush.png", bytes));
  const cv::Mat inside = region.rasterize(2, 1);
  EXPECT_EQ(differences(inside, (cv::Mat_<std::uint8_t>(1, 2) << 0, 1)), 0);
  EXPECT_THAT(region.warnings(inside), ElementsAre(AllOf(HasSubstr("brush.png\" is transparent in places"),
                                                         HasSubstr("alpha is the mask"))));
}

TEST(Faults, alpha_mask__core__of_pixels_is_the_mask_unless_it_is_the_same_everywhere) {
  cv::Mat pixels(20, 30, CV_8UC4, cv::Scalar(255, 0, 0, 0));
  pixels(cv::Rect(5, 5, 4, 3)) = cv::Scalar(255, 0, 0, 1);
  const Region brush = Region::mask(pixels);
  EXPECT_EQ(cv::countNonZero(brush.rasterize(30, 20)), 12);
  EXPECT_THAT(brush.warnings(brush.rasterize(30, 20)), ElementsAre(HasSubstr("alpha is the mask")));
  for (const int alpha : {0, 255}) {
    cv::Mat opaque(20, 30, CV_8UC4, cv::Scalar(0, 0, 0, alpha));
    opaque(cv::Rect(5, 5, 2, 2)) = cv::Scalar(0, 9, 0, alpha);
    const Region drawn = Region::mask(opaque);
    EXPECT_EQ(cv::countNonZero(drawn.rasterize(30, 20)), 4);
    EXPECT_THAT(drawn.warnings(drawn.rasterize(30, 20)), IsEmpty());
  }
  EXPECT_EQ(thrown_by([] { Region::mask(cv::Mat(3, 3, CV_8UC3)); }).code, ErrorCode::InvalidArgument);
}

std::vector<std::string> warnings_on(const Region& region, int width, int height) {
  return region.warnings(region.rasterize(width, height));
}

TEST(Faults, whole_picture__core__is_told_of_every_kind_of_region) {
  const Region all[] = {
      Region::point(14, 14), Region::box(0, 0, 27, 27), Region::polygon({{0, 0}, {27, 0}, {27, 27}, {0, 27}}),
      Region::scribble({{0, 14}, {27, 14}}, 90), Region::mask(cv::Mat(28, 28, CV_8UC1, cv::Scalar(1)))};
  for (const Region& region : all)
    EXPECT_THAT(warnings_on(region, 28, 28),
                ElementsAre(HasSubstr("covers the whole of the image of 28 × 28")))
        << region.describe();
  EXPECT_THAT(warnings_on(Region::box(0, 0, 27, 26), 28, 28), IsEmpty());
  EXPECT_THAT(warnings_on(Region::point(14, 14), 42, 28), IsEmpty());
}

TEST(Faults, fractions__core__are_told_of_every_kind_of_region) {
  const Region fractions[] = {Region::point(0.15, 0.47), Region::box(0.12, 0.38, 0.23, 0.55),
                              Region::box(0, 0, 1, 1), Region::polygon({{0.1, 0.1}, {0.9, 0.1}, {0.5, 1}}),
                              Region::scribble({{0.2, 0.2}, {0.7, 0.9}}, 1)};
  for (const Region& region : fractions)
    EXPECT_THAT(warnings_on(region, 300, 200), ElementsAre(HasSubstr("looks like fractions")))
        << region.describe();
  const Region pixels[] = {Region::point(0, 0), Region::point(1, 1), Region::point(1.5, 0.5),
                           Region::box(0, 0, 2, 1), Region::polygon({{0, 0}, {40, 0}, {0.5, 0.5}})};
  for (const Region& region : pixels)
    EXPECT_THAT(warnings_on(region, 300, 200), IsEmpty()) << region.describe();
  EXPECT_THAT(warnings_on(Region::box(0, 0.2, 0.4, 0.4), 2, 2), IsEmpty()) << "they are pixels here";
}

TEST(RegionWarnings, tell_of_a_part_outside_but_not_of_a_points_square) {
  EXPECT_THAT(warnings_on(Region::box(-5, 10, 20, 20), 300, 200),
              ElementsAre(HasSubstr("lies outside the image")));
  EXPECT_THAT(warnings_on(Region::point(2, 2), 300, 200), IsEmpty());
}

TEST(Region, a_polygon_with_a_hole_is_without_the_inside_of_the_hole) {
  const cv::Mat ring =
      Region::polygon({{2, 2}, {12, 2}, {12, 12}, {2, 12}}, {{{5, 5}, {9, 5}, {9, 9}, {5, 9}}})
          .rasterize(20, 20);
  cv::Mat expected = Region::box(2, 2, 12, 12).rasterize(20, 20);
  expected(cv::Rect(6, 6, 3, 3)) = 0;
  EXPECT_EQ(differences(ring, expected), 0);
  EXPECT_EQ(thrown_by([] {
              Region::polygon({{0, 0}, {9, 0}, {9, 9}}, {{{1, 1}, {2, 1}}});
            }).code,
            ErrorCode::InvalidArgument);
}

}  // namespace
