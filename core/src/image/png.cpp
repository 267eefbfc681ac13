#include "image/decode.h"
#include "image/exif.h"

#include <medplib/core/error.h>
#include <medplib/core/mask.h>

#include <opencv2/core.hpp>

#include <cstdlib>
#include <memory>
#include <span>
#include <spng.h>
#include <string_view>
#include <utility>

namespace medplib::core {

namespace {

using Context = std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)>;

// Most bytes of an inflated text or colour profile; the pixels have their own limit.
constexpr std::size_t kChunkBytes = std::size_t{8} << 20;

[[noreturn]] void fail_png(const std::string& name, int code) {
  fail(ErrorCode::Format, '"', name, "\" is a damaged or truncated PNG file (", spng_strerror(code), ").");
}

int channels_of(std::uint8_t colour_type) {
  switch (colour_type) {
    case SPNG_COLOR_TYPE_GRAYSCALE:
      return 1;
    case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
      return 2;
    case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA:
      return 4;
    default:
      return 3;
  }
}

// The least conversion that keeps all 16 bits, and alpha.
struct PngLayout {
  int format;
  int type;
};
PngLayout layout_of(const spng_ihdr& header, bool has_alpha) {
  if (header.bit_depth == 16) return {SPNG_FMT_PNG, CV_16UC(channels_of(header.color_type))};
  if (has_alpha) return {SPNG_FMT_RGBA8, CV_8UC4};
  if (header.color_type == SPNG_COLOR_TYPE_GRAYSCALE) return {SPNG_FMT_G8, CV_8UC1};
  return {SPNG_FMT_RGB8, CV_8UC3};
}

bool is_alpha(std::uint8_t colour_type) {
  return colour_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA || colour_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
}

// A channel of its own, or one that colours of a palette have, or one colour that stands for nothing.
bool has_alpha(spng_ctx* context, const spng_ihdr& header) {
  spng_trns transparent{};
  return is_alpha(header.color_type) || spng_get_trns(context, &transparent) == 0;
}

// Of 16 bits without a channel of alpha, in which one colour may stand for nothing; empty where none does.
cv::Mat alpha_of_colour(spng_ctx* context, const cv::Mat& pixels) {
  spng_trns nothing{};
  if (spng_get_trns(context, &nothing) != 0) return {};
  const cv::Scalar colour = pixels.channels() == 1 ? cv::Scalar(nothing.gray)
                                                   : cv::Scalar(nothing.red, nothing.green, nothing.blue);
  cv::Mat is_nothing;
  cv::inRange(pixels, colour, colour, is_nothing);
  return ~is_nothing;
}

}  // namespace

DecodedImage decode_png(std::span<const std::byte> bytes, const std::string& name,
                        const ImageLimits& limits) {
  const Context context(spng_ctx_new(0), &spng_ctx_free);
  if (!context) throw std::bad_alloc();
  spng_set_crc_action(context.get(), SPNG_CRC_ERROR, SPNG_CRC_DISCARD);
  spng_set_chunk_limits(context.get(), kChunkBytes, kChunkBytes);
  spng_ihdr header{};
  int code = spng_set_png_buffer(context.get(), bytes.data(), bytes.size());
  if (code == 0) code = spng_get_ihdr(context.get(), &header);
  if (code != 0) fail_png(name, code);
  check_pixels(header.width, header.height, name, limits);

  const PngLayout layout = layout_of(header, has_alpha(context.get(), header));
  cv::Mat pixels(static_cast<int>(header.height), static_cast<int>(header.width), layout.type);
  code = spng_decode_image(context.get(), pixels.data, pixels.total() * pixels.elemSize(), layout.format,
                           layout.format == SPNG_FMT_RGBA8 ? SPNG_DECODE_TRNS : 0);
  if (code == 0) code = spng_decode_chunks(context.get());  // up to the end mark: a cut file has none
  if (code != 0) fail_png(name, code);
  cv::Mat alpha = take_alpha(pixels);
  if (header.bit_depth == 16 && !is_alpha(header.color_type)) alpha = alpha_of_colour(context.get(), pixels);
  return {std::move(pixels),
          {.format = "PNG",
           .channels = channels_of(header.color_type),
           .bits = header.bit_depth,
           .remarks = png_header(bytes).remarks},
          std::move(alpha)};
}

// From chunk to chunk; libspng would decode the pixels on the way to what lies behind them.
PictureHeader png_header(std::span<const std::byte> bytes) {
  constexpr std::size_t first = 8, frame = 12, bits = 24, colour_type = 25;
  const auto number_at = [&](std::size_t at) {
    std::size_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) number = number << 8 | std::to_integer<std::size_t>(bytes[at + i]);
    return number;
  };
  PictureHeader header;
  int orientation = 1;
  std::size_t pictures = 1;  // of an animation
  if (bytes.size() > colour_type) {
    header.has_alpha = is_alpha(std::to_integer<std::uint8_t>(bytes[colour_type]));
    header.sixteen_bits = std::to_integer<int>(bytes[bits]) == 16;
  }
  for (std::size_t at = first; at + frame <= bytes.size();) {
    const std::size_t length = number_at(at), left = bytes.size() - at - frame;
    if (length > left) break;
    const std::string_view type(reinterpret_cast<const char*>(bytes.data() + at + 4), 4);
    if (type == "tRNS") header.has_alpha = true;
    if (type == "eXIf") orientation = exif_orientation(bytes.subspan(at + 8, length));
    if (type == "acTL" && length >= 4) pictures = number_at(at + 8);
    at += frame + length;
  }
  header.remarks = remarks_of_orientation(orientation);
  if (pictures > 1) header.remarks.emplace_back(kSeveralPictures);
  return header;
}

std::string encode_png(const cv::Mat& pixels) {
  if (pixels.empty() || (pixels.type() != CV_8UC1 && pixels.type() != CV_8UC3))
    fail(ErrorCode::InvalidArgument, "Only pixels of one or three bytes can be written as PNG.");
  const cv::Mat rows = pixels.isContinuous() ? pixels : pixels.clone();
  const Context context(spng_ctx_new(SPNG_CTX_ENCODER), &spng_ctx_free);
  if (!context) throw std::bad_alloc();
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(rows.cols);
  header.height = static_cast<std::uint32_t>(rows.rows);
  header.bit_depth = 8;
  header.color_type = rows.channels() == 1 ? SPNG_COLOR_TYPE_GRAYSCALE : SPNG_COLOR_TYPE_TRUECOLOR;
  int code = spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1);
  if (code == 0) code = spng_set_ihdr(context.get(), &header);
  if (code == 0)
    code = spng_encode_image(context.get(), rows.data, rows.total() * rows.elemSize(), SPNG_FMT_PNG,
                             SPNG_ENCODE_FINALIZE);
  std::size_t size = 0;
  const std::unique_ptr<void, decltype(&std::free)> png(
      code == 0 ? spng_get_png_buffer(context.get(), &size, &code) : nullptr, &std::free);
  if (!png) fail(ErrorCode::Internal, "Writing a PNG failed: ", spng_strerror(code), ".");
  return {static_cast<const char*>(png.get()), size};
}

}  // namespace medplib::core
