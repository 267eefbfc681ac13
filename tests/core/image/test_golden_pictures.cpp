// The preprocessing goldens: every picture and region that preprocess.json lists, without one differing
// value.
#include "image/geometry.h"
#include "support/pictures.h"
#include "support/plain_safetensors.h"

#include <medplib/core/error.h>
#include <medplib/core/image.h>
#include <medplib/core/region.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include <optional>

using namespace medplib::core;
using namespace medplib::test;

namespace {

struct Goldens {
  nlohmann::json facts = nlohmann::json::parse(bytes_of(golden("preprocess/preprocess.json")));
  PlainSafetensors arrays{golden("preprocess/preprocess.safetensors")};

  // Of a picture or a mask.
  std::filesystem::path file(const nlohmann::json& fact) const {
    return golden("preprocess/" + fact["file"].get<std::string>());
  }

  // The array as pixels, for [H, W] and [H, W, 3].
  cv::Mat pixels(const std::string& name) const {
    const auto shape = arrays.shape(name);
    const auto values = arrays.u8(name);
    const int channels = shape.size() == 3 ? shape[2] : 1;
    return cv::Mat(shape[0], shape[1], CV_8UC(channels), const_cast<std::uint8_t*>(values.data())).clone();
  }
};

// [3, H, W] as [H, W, 3].
cv::Mat interleaved(const Goldens& goldens, const std::string& name) {
  const auto shape = goldens.arrays.shape(name);
  auto values = goldens.arrays.u8(name);
  std::vector<cv::Mat> planes;
  for (int c = 0; c < 3; ++c)
    planes.emplace_back(shape[1], shape[2], CV_8UC1,
                        values.data() + static_cast<std::ptrdiff_t>(c) * shape[1] * shape[2]);
  cv::Mat pixels;
  cv::merge(planes, pixels);
  return pixels;
}

const nlohmann::json& filled(const nlohmann::json& list) {
  EXPECT_FALSE(list.empty());
  return list;
}

ImageOptions as_published() { return {.limits = {}, .sixteen_bit = SixteenBit::HighByte}; }

// preprocess.json lists the pictures in the order of their arrays: p0, p1, …
template <class Check>
void for_each_picture(const Check& check) {
  const Goldens goldens;
  int index = 0;
  for (const auto& fact : filled(goldens.facts["images"])) {
    SCOPED_TRACE(fact["file"].get<std::string>());
    check(goldens, fact, text_of("p", index++));
  }
}

TEST(GoldenPictures, are_decoded_to_the_same_pixels) {
  for_each_picture([](const Goldens& goldens, const nlohmann::json& fact, const std::string& key) {
    const Image image = Image::read(goldens.file(fact), as_published());
    EXPECT_EQ(image.width(), fact["width"]);
    EXPECT_EQ(image.height(), fact["height"]);
    const cv::Scalar sums = cv::sum(image.rgb());
    EXPECT_EQ(sums[0] + sums[1] + sums[2], fact["rgb_sum"].get<double>());
    if (!goldens.arrays.has(key + ".rgb")) return;
    const cv::Mat expected = goldens.pixels(key + ".rgb");
    EXPECT_EQ(differences(image.rgb()(cv::Rect({0, 0}, expected.size())), expected), 0);
  });
}

TEST(GoldenPictures, are_resized_for_sam_as_pillow_does) {
  int compared = 0;
  for_each_picture([&](const Goldens& goldens, const nlohmann::json& fact, const std::string& key) {
    const Image image = Image::read(goldens.file(fact), as_published());
    if (!goldens.arrays.has(key + ".sam_resized_u8")) return;
    const cv::Mat expected = goldens.pixels(key + ".sam_resized_u8");
    const cv::Mat resized = sam_resized(image.rgb(), std::max(expected.cols, expected.rows));
    EXPECT_EQ(differences(resized, expected), 0);
    ++compared;
  });
  EXPECT_GT(compared, 0);
}

TEST(GoldenPictures, have_the_letterboxes_of_both_branches) {
  for_each_picture([](const Goldens&, const nlohmann::json& fact, const std::string&) {
    for (const std::string branch : {"sam", "clip"}) {
      const auto size = fact[branch + "_resized_hw"].get<std::array<int, 2>>();
      const auto corner = fact[branch + "_pad_top_left"].get<std::array<int, 2>>();
      const Letterbox box = letterbox(fact["width"], fact["height"], std::max(size[0], size[1]));
      EXPECT_EQ((std::array{box.resized_height, box.resized_width}), size);
      EXPECT_EQ((std::array{box.top(), box.left()}), corner);
    }
  });
}

TEST(GoldenPictures, are_resized_and_padded_for_clip_as_the_published_code_does) {
  int compared = 0;
  for_each_picture([&](const Goldens& goldens, const nlohmann::json& fact, const std::string& key) {
    if (!goldens.arrays.has(key + ".clip_padded_u8")) return;
    const cv::Mat expected = interleaved(goldens, key + ".clip_padded_u8");
    const Image image = Image::read(goldens.file(fact), as_published());
    EXPECT_EQ(differences(clip_square(image.rgb(), expected.rows), expected), 0);
    ++compared;
  });
  EXPECT_GT(compared, 0);
}

constexpr int kPublishedSide = 336;  // of CLIP's pictures in the published model, which made these numbers

TEST(GoldenRegions, fall_on_the_same_cells) {
  const Goldens goldens;
  for (const auto& fact : filled(goldens.facts["regions"])) {
    const std::string name = fact["name"];
    SCOPED_TRACE(name);
    const cv::Mat mask = Region::mask_file(goldens.file(fact)).rasterize(fact["width"], fact["height"]);
    EXPECT_EQ(cv::countNonZero(mask), fact["pixels"]);
    const Letterbox box = letterbox(mask.cols, mask.rows, kPublishedSide);
    const cv::Mat resized = resize_bilinear(mask, box.resized_width, box.resized_height);
    EXPECT_EQ(cv::sum(resized)[0], fact["resized_sum"].get<double>());
    if (goldens.arrays.has("region336." + name)) {
      cv::Mat padded = cv::Mat::zeros(kPublishedSide, kPublishedSide, CV_8UC1);
      resized.copyTo(padded(cv::Rect(box.left(), box.top(), resized.cols, resized.rows)));
      EXPECT_EQ(differences(padded, goldens.pixels("region336." + name)), 0);
    }
    const cv::Mat expected = goldens.pixels("region24." + name);
    const RegionGrid grid = region_grid(mask, kPublishedSide, expected.rows);
    EXPECT_EQ(differences(grid.cells, expected), 0);
    EXPECT_EQ(grid.vanished, fact["cells"] == 0);
  }
}

// The smallest box around the pixels of a mask.
cv::Rect around(const cv::Mat& mask) {
  std::vector<cv::Point> inside;
  cv::findNonZero(mask, inside);
  cv::Rect box(inside.front(), cv::Size(1, 1));
  for (const auto& point : inside) box |= cv::Rect(point, cv::Size(1, 1));
  return box;
}

// What the same corners or place give, for a file that shows a box or a whole point; else nothing.
std::optional<Region> drawn_again(const std::string& name, const cv::Rect& box) {
  if (name.ends_with("_box")) return Region::box(box.x, box.y, box.br().x - 1, box.br().y - 1);
  if (name.ends_with("_point") && box.size() == cv::Size(41, 41))
    return Region::point(box.x + 20, box.y + 20);
  return std::nullopt;
}

TEST(GoldenRegions, drawn_as_boxes_and_points_are_what_the_same_corners_give) {
  const Goldens goldens;
  int compared = 0;
  for (const auto& fact : goldens.facts["regions"]) {
    const std::string name = fact["name"];
    SCOPED_TRACE(name);
    const cv::Mat mask = Region::mask_file(goldens.file(fact)).rasterize(fact["width"], fact["height"]);
    const auto region = drawn_again(name, around(mask));
    if (!region) continue;
    EXPECT_EQ(differences(region->rasterize(mask.cols, mask.rows), mask), 0);
    ++compared;
  }
  if (compared == 0) GTEST_SKIP() << "no golden region is a box or a whole point";
}

}  // namespace
