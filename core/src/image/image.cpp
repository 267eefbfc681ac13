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
#include <tuple>
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

std::string remark_of_crowded(const VisibleWindow& window) {
  return text_of("has nearly all its values in a small part of its range: from ", window.low, " to ",
                 window.high,
                 ", as it is seen, there is little contrast. Scale the part that matters to 8 bits.");
}

// By one window for all channels, so that colours keep their hue.
cv::Mat windowed(const cv::Mat& pixels, Image::Origin& origin) {
  const VisibleWindow window = visible_window(pixels);
  if (window.crowded) origin.remarks.push_back(remark_of_crowded(window));
  origin.window_low = window.low;
  origin.window_high = window.high;
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

// Whether alpha says anything.
bool varies(const cv::Mat& alpha) {
  if (alpha.empty()) return false;
  double least = 0, most = 0;
  cv::minMaxLoc(alpha, &least, &most);
  return least != most;
}

constexpr const char* kTransparentPicture =
    "is transparent in places; its alpha channel is left out, and the colours below are seen.";
constexpr const char* kTransparentMask =
    "is transparent in places: alpha is the mask, 1 and above inside, and the colours are left out.";

cv::Mat rgb_of(DecodedImage& decoded, SixteenBit sixteen_bit) {
  if (varies(decoded.alpha)) decoded.origin.remarks.emplace_back(kTransparentPicture);
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

Remarks remarks_of_orientation(int orientation) {
  if (orientation == 1) return {};
  return {text_of("says (EXIF orientation ", orientation,
                  ") that it is to be shown turned or mirrored; it is read as it is stored.")};
}

std::string remark_of_channels(int channels, int colours) {
  const char* read = colours == 1 ? "first is" : colours == 3 ? "first three are" : "first four are";
  return text_of("holds ", channels, " channels; the ", read, " read, and the others are left out.");
}

std::vector<std::string> sentences_of(const Remarks& remarks, const std::string& name) {
  std::vector<std::string> sentences;
  for (const std::string& remark : remarks)
    sentences.push_back(shortened(replace_invalid_utf8(text_of('"', name, "\" ", remark)), kLongestMessage));
  return sentences;
}

namespace {

enum class Format { Png, Jpeg, Tiff };

// Errors: Format.
Format format_of(std::span<const std::byte> bytes, const std::string& name) {
  using namespace std::string_view_literals;
  if (bytes.empty()) fail(ErrorCode::Format, '"', name, "\" is empty; a PNG, JPEG or TIFF image is needed.");
  if (starts_with(bytes, "\x89PNG\r\n\x1a\n"sv)) return Format::Png;
  if (starts_with(bytes, "\xff\xd8\xff"sv)) return Format::Jpeg;
  for (const auto signature : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv})
    if (starts_with(bytes, signature)) return Format::Tiff;
  fail(ErrorCode::Format, '"', name,
       "\" is not a PNG, JPEG or TIFF image, whatever its name says: save it as one of these.");
}

}  // namespace

DecodedImage decode_any(std::span<const std::byte> bytes, const std::string& name,
                        const ImageLimits& limits) {
  if (bytes.size() > limits.max_bytes)
    fail(ErrorCode::Format, '"', name, "\" has ", bytes.size(), " bytes; at most ", limits.max_bytes,
         " are read.");
  switch (format_of(bytes, name)) {
    case Format::Png:
      return decode_png(bytes, name, limits);
    case Format::Jpeg:
      return decode_jpeg(bytes, name, limits);
    case Format::Tiff:
      return decode_tiff(bytes, name, limits);
  }
  return {};
}

PictureHeader header_of(std::span<const std::byte> bytes, const std::string& name) {
  switch (format_of(bytes, name)) {
    case Format::Png:
      return png_header(bytes);
    case Format::Jpeg:
      return jpeg_header(bytes, name);
    case Format::Tiff:
      return tiff_header(bytes, name);
  }
  return {};
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

cv::Mat take_alpha(cv::Mat& pixels) {
  if (pixels.channels() % 2 == 1) return {};
  cv::Mat alpha, kept(pixels.size(), CV_MAKETYPE(pixels.depth(), pixels.channels() - 1));
  cv::extractChannel(pixels, alpha, pixels.channels() - 1);
  constexpr std::array<int, 6> same{0, 0, 1, 1, 2, 2};
  cv::mixChannels(&pixels, 1, &kept, 1, same.data(), static_cast<std::size_t>(kept.channels()));
  pixels = kept;
  return alpha;
}

namespace {

bool has_more_than_two_values(const cv::Mat& values) {
  double least = 0, most = 0;
  cv::minMaxLoc(values, &least, &most);
  return cv::countNonZero((values > least) & (values < most)) > 0;
}

}  // namespace

MaskValues mask_values_of(DecodedImage decoded) {
  MaskValues mask{.values = {}, .remarks = std::move(decoded.origin.remarks)};
  const bool in_alpha = varies(decoded.alpha);
  if (in_alpha) mask.remarks.emplace_back(kTransparentMask);
  mask.values = in_alpha ? decoded.alpha : grey_as_pillow(decoded.pixels);
  if (decoded.origin.format == "JPEG" && has_more_than_two_values(mask.values))
    mask.remarks.emplace_back(kNoisyMask);
  return mask;
}

ReadMask mask_of(DecodedImage decoded) {
  MaskValues mask = mask_values_of(std::move(decoded));
  return {.inside = (mask.values >= 1) / 255, .remarks = std::move(mask.remarks)};
}

Image::Image(cv::Mat rgb, const std::string& name, Origin origin)
    : rgb_(std::move(rgb)), name_(replace_invalid_utf8(name)), origin_(std::move(origin)) {
  origin_.warnings = sentences_of(origin_.remarks, name_);
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

// Rows that may begin anywhere, as T; of its own.
template <class T>
cv::Mat copied(const std::byte* bytes, int width, int height, std::size_t stride, int channels) {
  cv::Mat pixels(height, width, CV_MAKETYPE(cv::DataType<T>::depth, channels));
  for (int y = 0; y < height; ++y)
    std::memcpy(pixels.ptr(y), bytes + static_cast<std::size_t>(y) * stride,
                pixels.elemSize() * static_cast<std::size_t>(width));
  return pixels;
}

template <class T>
void remark_on_alpha(Remarks& remarks, const std::byte* bytes, int width, int height, std::size_t stride,
                     int channels) {
  if (channels != 4) return;
  cv::Mat alpha;
  cv::extractChannel(copied<T>(bytes, width, height, stride, channels), alpha, 3);
  if (varies(alpha)) remarks.emplace_back(kTransparentPicture);
}

}  // namespace

Image Image::from_pixels(std::span<const std::byte> bytes, int width, int height, std::size_t stride,
                         int channels, Remarks remarks) {
  check_layout(bytes.size(), width, height, stride, channels, 1);
  remark_on_alpha<std::uint8_t>(remarks, bytes.data(), width, height, stride, channels);
  cv::Mat rgb = rgb_of_rows<std::uint8_t>(bytes.data(), width, height, stride, channels,
                                          [](std::uint8_t value) { return value; });
  return {std::move(rgb),
          "pixels",
          {.format = "pixels", .channels = channels, .bits = 8, .remarks = std::move(remarks)}};
}

Image Image::from_pixels16(std::span<const std::byte> bytes, int width, int height, std::size_t stride,
                           int channels, const std::optional<Window>& window, Remarks remarks) {
  check_layout(bytes.size(), width, height, stride, channels, 2);
  remark_on_alpha<std::uint16_t>(remarks, bytes.data(), width, height, stride, channels);
  auto [low, high] = window.value_or(Window{});
  if (!window) {
    const VisibleWindow found =
        visible_window(copied<std::uint16_t>(bytes.data(), width, height, stride, channels));
    if (found.crowded) remarks.push_back(remark_of_crowded(found));
    low = found.low;
    high = std::max(found.high, low + 1);
  }
  if (!(std::isfinite(low) && std::isfinite(high) && low < high))
    fail(ErrorCode::InvalidArgument, "A window from ", low, " to ", high,
         " shows nothing: give a low value and a higher one.");
  const double scale = 255.0 / (high - low);
  cv::Mat rgb = rgb_of_rows<std::uint16_t>(
      bytes.data(), width, height, stride, channels,
      [low, scale](std::uint16_t value) { return cv::saturate_cast<std::uint8_t>((value - low) * scale); });
  return {std::move(rgb),
          "pixels",
          {.format = "pixels",
           .channels = channels,
           .bits = 16,
           .window_low = low,
           .window_high = high,
           .remarks = std::move(remarks)}};
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
