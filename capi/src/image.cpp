#include "handles.h"
#include "options.h"
#include "results.h"

#include <cstddef>
#include <span>

namespace medplib::capi {
namespace {

using core::ErrorCode;
using core::fail;

core::ImageOptions image_options(const medplib_image_options* given) {
  const medplib_image_options options = completed(given);
  check_unknown_bytes(&options.reserved, sizeof options.reserved);
  core::ImageOptions result;
  result.limits = {options.max_bytes, options.max_pixels};
  if (options.sixteen_bit == MEDPLIB_SIXTEEN_BIT_HIGH_BYTE)
    result.sixteen_bit = core::SixteenBit::HighByte;
  else if (options.sixteen_bit != MEDPLIB_SIXTEEN_BIT_WINDOW)
    fail(ErrorCode::InvalidArgument, "sixteen_bit ", options.sixteen_bit,
         " is none of MEDPLIB_SIXTEEN_BIT_WINDOW and MEDPLIB_SIXTEEN_BIT_HIGH_BYTE.");
  return result;
}

}  // namespace
}  // namespace medplib::capi

using namespace medplib::capi;
using medplib::core::Image;

std::int32_t medplib_image_read(const char* path, const medplib_image_options* options,
                                medplib_image** image) {
  return guarded([&] {
    medplib_image*& read = output(image, "image");
    read = new medplib_image{Image::read(&required(path, "path"), image_options(options))};
  });
}

std::int32_t medplib_image_decode(const void* bytes, std::size_t byte_size, const char* name,
                                  const medplib_image_options* options, medplib_image** image) {
  return guarded([&] {
    medplib_image*& read = output(image, "image");
    const auto* first = &required(static_cast<const std::byte*>(bytes), "bytes");
    read = new medplib_image{
        Image::decode(std::span(first, byte_size), &required(name, "name"), image_options(options))};
  });
}

std::int32_t medplib_image_from_pixels(const void* pixels, std::size_t byte_size, std::int32_t width,
                                       std::int32_t height, std::size_t stride, std::int32_t channels,
                                       std::int32_t pixel_type, double low, double high,
                                       medplib_image** image) {
  return guarded([&] {
    medplib_image*& made = output(image, "image");
    const std::span bytes(&required(static_cast<const std::byte*>(pixels), "pixels"), byte_size);
    if (pixel_type != MEDPLIB_PIXEL_U8 && pixel_type != MEDPLIB_PIXEL_U16)
      fail(ErrorCode::InvalidArgument, "pixel_type ", pixel_type,
           " is none of MEDPLIB_PIXEL_U8 and MEDPLIB_PIXEL_U16.");
    if (pixel_type == MEDPLIB_PIXEL_U8 && !(low == 0 && high == 255))
      fail(ErrorCode::InvalidArgument, "Bytes are shown from 0 to 255, not from ", low, " to ", high, ".");
    made = new medplib_image{
        pixel_type == MEDPLIB_PIXEL_U8
            ? Image::from_pixels(bytes, width, height, stride, channels)
            : Image::from_pixels16(bytes, width, height, stride, channels, Image::Window{low, high})};
  });
}

std::int32_t medplib_image_size(const medplib_image* image, std::int32_t* width, std::int32_t* height) {
  return guarded([&] {
    const Image& measured = required(image, "image").image;
    required(width, "width");
    required(height, "height");
    *width = measured.width();
    *height = measured.height();
  });
}

std::int32_t medplib_image_info_json(const medplib_image* image, medplib_bytes** json) {
  return guarded([&] {
    medplib_bytes*& told = output(json, "json");
    told = bytes_of(medplib::core::info_json(required(image, "image").image));
  });
}

void medplib_image_free(medplib_image* image) { delete image; }
