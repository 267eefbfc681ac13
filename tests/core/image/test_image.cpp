#include "image/decode.h"
#include "support/pictures.h"
#include "support/plain_safetensors.h"
#include "support/temporary_folder.h"
#include "support/thrown.h"

#include <medplib/core/image.h>
#include <medplib/core/mask.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

using namespace medplib::core;
using namespace medplib::test;
using testing::HasSubstr;

namespace {

const std::filesystem::path kFiles = source_folder() / "tests/core/image/files";

Image decode(const std::string& bytes, const ImageOptions& options = {}) {
  return Image::decode(std::as_bytes(std::span(bytes)), "picture.png", options);
}

nlohmann::json files() { return nlohmann::json::parse(bytes_of(kFiles / "files.json")); }

TEST(Image, of_every_layout_has_the_pixels_that_pillow_gives) {
  for (const auto& entry : files()) {
    const std::string name = entry["file"];
    SCOPED_TRACE(name);
    const Image image = Image::read(kFiles / name, {.limits = {}, .sixteen_bit = SixteenBit::HighByte});
    const Image expected = Image::read(kFiles / entry["rgb"].get<std::string>());
    EXPECT_EQ(differences(image.rgb(), expected.rgb()), 0);
    EXPECT_EQ(cv::countNonZero(grey_as_pillow(read_any(kFiles / name, {}).pixels)), entry["inside"]);
  }
}

TEST(Image, cut_anywhere_is_refused_as_damaged) {
  for (const auto& entry : files()) {
    const std::string name = entry["file"];
    const std::string whole = bytes_of(kFiles / name);
    // A TIFF's directory may lie at its end, and its pixels before: cut within the pixels.
    const std::size_t step = whole.size() / 7 + 1;
    for (std::size_t length = 1; length < whole.size() - 8; length += step) {
      SCOPED_TRACE(testing::Message() << name << " cut to " << length << " of " << whole.size());
      const Thrown refusal = thrown_by([&] { decode(whole.substr(0, length)); });
      EXPECT_EQ(refusal.code, ErrorCode::Format) << refusal.sentence;
      EXPECT_THAT(refusal.sentence, HasSubstr("picture.png"));
    }
  }
}

TEST(Image, says_what_the_file_held) {
  const Image grey = Image::read(kFiles / "grey16.png");
  EXPECT_EQ(grey.origin().format, "PNG");
  EXPECT_EQ(grey.origin().channels, 1);
  EXPECT_EQ(grey.origin().bits, 16);
  EXPECT_EQ(Image::read(kFiles / "rgba.png").origin().channels, 4);
  EXPECT_EQ(Image::read(kFiles / "cmyk.jpg").origin().format, "JPEG");
  EXPECT_EQ(Image::read(kFiles / "rgb_lzw.tif").origin().format, "TIFF");
}

TEST(Image, of_16_bits_is_windowed_from_its_darkest_to_its_brightest_value) {
  for (const char* name : {"grey16.png", "grey16_tiled.tif", "grey16_big_endian.tif", "grey_alpha16.png",
                           "rgb16.png", "rgba16.png"}) {
    const Image image = Image::read(kFiles / name);
    double low = 0, high = 0;
    cv::minMaxLoc(image.rgb().reshape(1), &low, &high);
    EXPECT_EQ(low, 0);
    EXPECT_EQ(high, 255);
    EXPECT_GT(image.origin().window_low, 0);
    EXPECT_GT(image.origin().window_high, 255);
  }
}

TEST(Image, of_16_bits_of_colour_keeps_its_hue_in_the_window) {
  for (const char* name : {"rgb16.png", "rgb16.tif"}) {
    const cv::Mat stored = read_any(kFiles / name, {}).pixels;
    const Image image = Image::read(kFiles / name);
    const auto [low, high] = std::pair(image.origin().window_low, image.origin().window_high);
    cv::Mat expected;
    stored.convertTo(expected, CV_8UC3, 255 / (high - low), -low * 255 / (high - low));
    EXPECT_EQ(differences(image.rgb(), expected), 0) << name;
  }
}

TEST(Image, of_one_pixel_and_of_extreme_shape_is_read) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(30000, 2), cv::Size(2, 30000)}) {
    const Image image = decode(encode_png(cv::Mat(size, CV_8UC1, cv::Scalar(77))));
    EXPECT_EQ(image.rgb().size(), size);
    EXPECT_EQ(image.rgb().at<cv::Vec3b>(0, 0), cv::Vec3b(77, 77, 77));
  }
}

TEST(Image, that_is_text_or_empty_or_a_folder_or_absent_is_refused_with_a_sentence) {
  const TemporaryFolder folder;
  const Thrown text = thrown_by([&] { Image::read(folder.write("note.png", "This is no picture.\n")); });
  EXPECT_EQ(text.code, ErrorCode::Format);
  EXPECT_THAT(text.sentence, HasSubstr("is not a PNG, JPEG or TIFF image"));
  const Thrown empty = thrown_by([&] { Image::read(folder.write("empty.png", "")); });
  EXPECT_EQ(empty.code, ErrorCode::Format);
  EXPECT_THAT(empty.sentence, HasSubstr("is empty"));
  const Thrown directory = thrown_by([&] { Image::read(folder.path()); });
  EXPECT_EQ(directory.code, ErrorCode::NotFound);
  EXPECT_THAT(directory.sentence, HasSubstr("is a folder"));
  EXPECT_EQ(thrown_by([&] { Image::read(folder.path() / "absent.png"); }).code, ErrorCode::NotFound);
}

TEST(Image, beyond_a_limit_is_refused_before_it_is_decoded) {
  for (const char* name : {"rgb.png", "rgb_444.jpg", "rgb_lzw.tif"}) {
    ImageOptions few_pixels, few_bytes;
    few_pixels.limits.max_pixels = 37 * 31 - 1;
    few_bytes.limits.max_bytes = 100;
    const Thrown pixels = thrown_by([&] { Image::read(kFiles / name, few_pixels); });
    EXPECT_EQ(pixels.code, ErrorCode::Format);
    EXPECT_THAT(pixels.sentence, HasSubstr("37 × 31 pixels; at most 1146"));
    EXPECT_EQ(thrown_by([&] { Image::read(kFiles / name, few_bytes); }).code, ErrorCode::Format);
  }
}

TEST(Image, that_claims_to_be_huge_is_refused) {
  std::string png = encode_png(cv::Mat(1, 1, CV_8UC1, cv::Scalar(0)));
  png.replace(
      16, 8, std::string("\x7f\xff\xff\xff\x7f\xff\xff\xff"));  // width and height; the checksum is stale too
  EXPECT_EQ(thrown_by([&] { decode(png); }).code, ErrorCode::Format);
  std::string jpeg = bytes_of(kFiles / "rgb_444.jpg");
  const auto frame = jpeg.find("\xff\xc0");
  jpeg.replace(frame + 5, 4, "\xff\xdc\xff\xdc");
  EXPECT_THAT(thrown_by([&] { decode(jpeg); }).sentence, HasSubstr("65500 × 65500 pixels"));
}

TEST(Image, with_damaged_bytes_is_read_or_refused_but_never_crashes) {
  cv::RNG generator(11);
  for (const auto& entry : files()) {
    const std::string whole = bytes_of(kFiles / entry["file"].get<std::string>());
    for (int round = 0; round < 60; ++round) {
      std::string damaged = whole;
      for (int k = 0; k < 3; ++k)
        damaged[static_cast<std::size_t>(generator.uniform(0, static_cast<int>(whole.size())))] =
            static_cast<char>(generator.uniform(0, 256));
      const Thrown refusal = thrown_by([&] { decode(damaged, {.limits = {.max_pixels = 1 << 20}}); });
      EXPECT_TRUE(refusal.sentence == "nothing was thrown" || refusal.code == ErrorCode::Format ||
                  refusal.code == ErrorCode::Unsupported)
          << refusal.sentence;
    }
  }
}

TEST(ImageFromPixels, takes_grey_rgb_and_rgba_rows_with_a_stride) {
  const std::array<std::uint8_t, 18> bytes{1, 2, 3, 99, 4, 5, 6, 99, 0, 7, 8, 9, 99, 10, 11, 12, 99, 0};
  const auto view = std::as_bytes(std::span(bytes));
  const Image rgba = Image::from_pixels(view, 2, 2, 9, 4);
  EXPECT_EQ(rgba.rgb().at<cv::Vec3b>(0, 1), cv::Vec3b(4, 5, 6));
  EXPECT_EQ(rgba.rgb().at<cv::Vec3b>(1, 0), cv::Vec3b(7, 8, 9));
  EXPECT_EQ(Image::from_pixels(view, 3, 2, 9, 1).rgb().at<cv::Vec3b>(1, 2), cv::Vec3b(9, 9, 9));
  EXPECT_EQ(Image::from_pixels(view.first(15), 2, 2, 9, 3).rgb().at<cv::Vec3b>(1, 1), cv::Vec3b(99, 10, 11));
}

TEST(ImageFromPixels, refuses_too_few_bytes_and_odd_layouts) {
  const std::vector<std::byte> bytes(100);
  for (const auto& act : std::vector<std::function<void()>>{
           [&] { Image::from_pixels(bytes, 10, 11, 10, 1); },
           [&] { Image::from_pixels(bytes, 10, 10, 9, 1); }, [&] { Image::from_pixels(bytes, 5, 5, 10, 2); },
           [&] { Image::from_pixels(bytes, 0, 10, 10, 1); },
           [&] { Image::from_pixels(bytes, 1, 2147483647, ~std::size_t{0}, 1); }})
    EXPECT_EQ(thrown_by(act).code, ErrorCode::InvalidArgument);
}

TEST(ImageFromPixels, shows_sixteen_bits_through_their_window) {
  const std::array<std::uint16_t, 8> values{900, 1000, 1100, 1255, 65535, 0, 1001, 1254};
  const auto view = std::as_bytes(std::span(values));
  const Image grey =
      Image::from_pixels16(view, 3, 2, 8, 1, Image::Window{1000, 1255});  // rows of 3 values and a gap
  EXPECT_EQ(grey.rgb().at<cv::Vec3b>(0, 0), cv::Vec3b::all(0));
  EXPECT_EQ(grey.rgb().at<cv::Vec3b>(0, 2), cv::Vec3b::all(100));
  EXPECT_EQ(grey.rgb().at<cv::Vec3b>(1, 0), cv::Vec3b::all(255));
  EXPECT_EQ(grey.rgb().at<cv::Vec3b>(1, 2), cv::Vec3b::all(1));
  EXPECT_EQ(grey.origin().bits, 16);
  EXPECT_EQ(grey.origin().window_high, 1255);
  EXPECT_EQ(Image::from_pixels16(view, 1, 1, 6, 3, Image::Window{1000, 1255}).rgb().at<cv::Vec3b>(0, 0),
            cv::Vec3b(0, 0, 100));
}

TEST(ImageFromPixels, refuses_a_window_that_shows_nothing_and_too_few_bytes) {
  const std::vector<std::byte> bytes(100);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& act :
       std::vector<std::function<void()>>{[&] {
                                            Image::from_pixels16(bytes, 5, 5, 10, 1, Image::Window{7, 7});
                                          },
                                          [&] {
                                            Image::from_pixels16(bytes, 5, 5, 10, 1, Image::Window{0, nan});
                                          },
                                          [&] {
                                            Image::from_pixels16(bytes, 10, 6, 20, 1, Image::Window{0, 1});
                                          },
                                          [&] {
                                            Image::from_pixels16(bytes, 6, 5, 10, 1, Image::Window{0, 1});
                                          }})
    EXPECT_EQ(thrown_by(act).code, ErrorCode::InvalidArgument);
}

TEST(Png, written_and_read_again_is_the_same) {
  for (const int type : {CV_8UC1, CV_8UC3}) {
    cv::Mat pixels(37, 53, type);
    cv::RNG(3).fill(pixels, cv::RNG::UNIFORM, 0, 256);
    const std::string png = encode_png(pixels(cv::Rect(3, 5, 41, 29)));  // rows with a gap
    const Image again = decode(png);
    cv::Mat expected = pixels(cv::Rect(3, 5, 41, 29)).clone();
    if (type == CV_8UC1) cv::merge(std::vector{expected, expected, expected}, expected);
    EXPECT_EQ(differences(again.rgb(), expected), 0);
  }
}

}  // namespace
