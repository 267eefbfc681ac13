#include "base/files.h"
#include "base/json.h"
#include "base/utf8.h"
#include "image/decode.h"

#include <medplib/core/error.h>
#include <medplib/core/image.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <string_view>
#include <utility>

namespace medplib::core {

namespace {

bool starts_with(std::span<const std::byte> bytes, std::string_view signature) {
  return bytes.size() >= signature.size() &&
         std::equal(signature.begin(), signature.end(), bytes.begin(),
                    [](char wanted, std::byte found) { return static_cast<std::byte>(wanted) == found; });
}

cv::Mat three_channels(const cv::Mat& grey) {
  cv::Mat rgb;
  cv::merge(std::array{grey, grey, grey}, rgb);
  return rgb;
}

// By the darkest and the brightest value of all channels, so that colours keep their hue.
cv::Mat windowed(const cv::Mat& pixels, Image::Origin& origin) {
  cv::minMaxLoc(pixels.reshape(1), &origin.window_low, &origin.window_high);
  const double range = std::max(origin.window_high - origin.window_low, 1.0);
  cv::Mat out;
  pixels.convertTo(out, CV_8U, 255.0 / range, -origin.window_low * 255.0 / range);
  return out;
}

cv::Mat high_byte(const cv::Mat& pixels) {
  cv::Mat out(pixels.size(), CV_8UC(pixels.channels()));
  const int row = pixels.cols * pixels.channels();
  for (int y = 0; y < pixels.rows; ++y)
    std::transform(pixels.ptr<std::uint16_t>(y), pixels.ptr<std::uint16_t>(y) + row, out.ptr(y),
                   [](std::uint16_t value) { return static_cast<std::uint8_t>(value >> 8); });
  return out;
}

cv::Mat eight_bits(DecodedImage& decoded, SixteenBit sixteen_bit) {
  if (decoded.pixels.depth() == CV_8U) return decoded.pixels;
  if (sixteen_bit == SixteenBit::Window) return windowed(decoded.pixels, decoded.origin);
  decoded.origin.window_low = 0;
  decoded.origin.window_high = 65535;
  return high_byte(decoded.pixels);
}

cv::Mat rgb_of(DecodedImage& decoded, SixteenBit sixteen_bit) {
  const cv::Mat pixels = eight_bits(decoded, sixteen_bit);
  return pixels.channels() == 3 ? pixels : three_channels(pixels);
}

}  // namespace

void check_pixels(std::uint64_t width, std::uint64_t height, const std::string& name,
                  const ImageLimits& limits) {
  constexpr std::uint64_t most = std::numeric_limits<int>::max();
  if (width == 0 || height == 0) fail(ErrorCode::Format, '"', name, "\" says that it has no pixels.");
  if (width > most || height > most || width > limits.max_pixels / height)
    fail(ErrorCode::Format, '"', name, "\" has ", width, " × ", height, " pixels; at most ",
         limits.max_pixels, " are read. Make it smaller or raise the limit.");
}

std::vector<std::string> warnings_of_orientation(int orientation, const std::string& name) {
  if (orientation == 1) return {};
  return {text_of("\"", name, "\" says (EXIF orientation ", orientation,
                  ") that it is to be shown turned or mirrored; it is read as it is stored.")};
}

DecodedImage decode_any(std::span<const std::byte> bytes, const std::string& name,
                        const ImageLimits& limits) {
  using namespace std::string_view_literals;
  if (bytes.empty()) fail(ErrorCode::Format, '"', name, "\" is empty; a PNG, JPEG or TIFF image is needed.");
  if (bytes.size() > limits.max_bytes)
    fail(ErrorCode::Format, '"', name, "\" has ", bytes.size(), " bytes; at most ", limits.max_bytes,
         " are read.");
  if (starts_with(bytes, "\x89PNG\r\n\x1a\n"sv)) return decode_png(bytes, name, limits);
  if (starts_with(bytes, "\xff\xd8\xff"sv)) return decode_jpeg(bytes, name, limits);
  for (const auto signature : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv})
    if (starts_with(bytes, signature)) return decode_tiff(bytes, name, limits);
  fail(ErrorCode::Format, '"', name, "\" is not a PNG, JPEG or TIFF image, whatever its name says.");
}

DecodedImage read_any(const std::filesystem::path& path, const ImageLimits& limits) {
  const std::string bytes = read_file(path, limits.max_bytes);
  return decode_any(std::as_bytes(std::span(bytes)), path.string(), limits);
}

cv::Mat grey_as_pillow(const cv::Mat& pixels) {
  cv::Mat grey;
  if (pixels.channels() == 1) {
    pixels.convertTo(grey, CV_8U);  // saturates
    return grey;
  }
  if (pixels.depth() != CV_8U) return grey_as_pillow(high_byte(pixels));
  grey.create(pixels.size(), CV_8UC1);
  for (int y = 0; y < pixels.rows; ++y)
    std::transform(
        pixels.ptr<cv::Vec3b>(y), pixels.ptr<cv::Vec3b>(y) + pixels.cols, grey.ptr(y),
        [](const cv::Vec3b& rgb) {
          return static_cast<std::uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
        });
  return grey;
}

Image::Image(cv::Mat rgb, const std::string& name, Origin origin)
    : rgb_(std::move(rgb)), name_(replace_invalid_utf8(name)), origin_(std::move(origin)) {
  for (std::string& warning : origin_.warnings) warning = replace_invalid_utf8(warning);
}

Image Image::read(const std::filesystem::path& path, const ImageOptions& options) {
  DecodedImage decoded = read_any(path, options.limits);
  cv::Mat rgb = rgb_of(decoded, options.sixteen_bit);
  return {std::move(rgb), path.string(), std::move(decoded.origin)};
}

Image Image::decode(std::span<const std::byte> bytes, const std::string& name, const ImageOptions& options) {
  DecodedImage decoded = decode_any(bytes, name, options.limits);
  cv::Mat rgb = rgb_of(decoded, options.sixteen_bit);
  return {std::move(rgb), name, std::move(decoded.origin)};
}

namespace {

void check_layout(std::size_t bytes, int width, int height, std::size_t stride, int channels,
                  std::size_t channel_bytes) {
  if (channels != 1 && channels != 3 && channels != 4)
    fail(ErrorCode::InvalidArgument, "Pixels have 1, 3 or 4 channels, not ", channels, ".");
  if (width < 1 || height < 1)
    fail(ErrorCode::InvalidArgument, "An image of ", width, " × ", height, " pixels cannot be used.");
  const auto row = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels) * channel_bytes;
  const auto rows = static_cast<std::size_t>(height);
  if (stride < row)
    fail(ErrorCode::InvalidArgument, "A stride of ", stride, " bytes is less than a row of ", row, " bytes.");
  // rows − 1 strides and one row, without overflow.
  if (bytes < row || (bytes - row) / stride < rows - 1)
    fail(ErrorCode::InvalidArgument, bytes, " bytes are too few for ", height, " rows of ", stride,
         " bytes.");
}

// Rows of 1, 3 or 4 values of type T a pixel, of which `byte_of` makes bytes: H × W, CV_8UC3.
template <class T, class ByteOf>
cv::Mat rgb_of_rows(const std::byte* bytes, int width, int height, std::size_t stride, int channels,
                    const ByteOf& byte_of) {
  cv::Mat rgb(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    const std::byte* from = bytes + static_cast<std::size_t>(y) * stride;
    for (int x = 0; x < width; ++x, from += static_cast<std::size_t>(channels) * sizeof(T)) {
      std::array<T, 3> values{};  // a row may begin anywhere: copied, not cast
      std::memcpy(values.data(), from, (channels == 1 ? 1 : 3) * sizeof(T));
      if (channels == 1) values[1] = values[2] = values[0];
      rgb.at<cv::Vec3b>(y, x) = {byte_of(values[0]), byte_of(values[1]), byte_of(values[2])};
    }
  }
  return rgb;
}

}  // namespace

Image Image::from_pixels(std::span<const std::byte> bytes, int width, int height, std::size_t stride,
                         int channels) {
  check_layout(bytes.size(), width, height, stride, channels, 1);
  cv::Mat rgb = rgb_of_rows<std::uint8_t>(bytes.data(), width, height, stride, channels,
                                          [](std::uint8_t value) { return value; });
  return {std::move(rgb), "pixels", {.format = "pixels", .channels = channels, .bits = 8}};
}

Image Image::from_pixels16(std::span<const std::byte> bytes, int width, int height, std::size_t stride,
                           int channels, double low, double high) {
  check_layout(bytes.size(), width, height, stride, channels, 2);
  if (!(std::isfinite(low) && std::isfinite(high) && low < high))
    fail(ErrorCode::InvalidArgument, "A window from ", low, " to ", high,
         " shows nothing: give a low value and a higher one.");
  const double scale = 255.0 / (high - low);
  cv::Mat rgb = rgb_of_rows<std::uint16_t>(
      bytes.data(), width, height, stride, channels,
      [&](std::uint16_t value) { return cv::saturate_cast<std::uint8_t>((value - low) * scale); });
  return {std::move(rgb),
          "pixels",
          {.format = "pixels", .channels = channels, .bits = 16, .window_low = low, .window_high = high}};
}

Image Image::with_warnings(const std::vector<std::string>& more) const {
  Image image = *this;
  std::ranges::copy(more, std::back_inserter(image.origin_.warnings));
  return image;
}

std::string info_json(const Image& image) {
  const Image::Origin& origin = image.origin();
  const Json info = {
      {"image", image.name()},           {"format", origin.format},           {"width", image.width()},
      {"height", image.height()},        {"channels", origin.channels},       {"bits", origin.bits},
      {"window_low", origin.window_low}, {"window_high", origin.window_high}, {"warnings", origin.warnings}};
  return json_text(info);
}

}  // namespace medplib::core
