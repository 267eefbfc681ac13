// Decoding image files: one decoder per format; limits are checked before anything is allocated.
#pragma once

#include <medplib/core/image.h>

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace medplib::core {

// What a file holds: CV_8UC3 or CV_16UC3 (RGB), or CV_8UC1, CV_16UC1 or CV_16SC1 (grey). Alpha is dropped
// unblended, palettes and fewer bits are expanded.
struct DecodedImage {
  cv::Mat pixels;
  Image::Origin origin;
};

// Decodes a file whose format its first bytes tell. Messages call the file `name`.
// Errors: Format (not an image, damaged, truncated, over a limit), Unsupported (a layout that is not read).
DecodedImage decode_any(std::span<const std::byte> bytes, const std::string& name, const ImageLimits& limits);
DecodedImage read_any(const std::filesystem::path& path, const ImageLimits& limits);

DecodedImage decode_png(std::span<const std::byte> bytes, const std::string& name, const ImageLimits& limits);
DecodedImage decode_jpeg(std::span<const std::byte> bytes, const std::string& name,
                         const ImageLimits& limits);
DecodedImage decode_tiff(std::span<const std::byte> bytes, const std::string& name,
                         const ImageLimits& limits);

// What is to be told of a file whose EXIF says that it lies turned: it is read as stored, as Pillow reads it.
std::vector<std::string> warnings_of_orientation(int orientation, const std::string& name);

// Pillow's conversion to grey ("L"): 8-bit, rounded; grey of 16 bits is cut at 255, of 16-bit colour the high
// byte counts.
cv::Mat grey_as_pillow(const cv::Mat& pixels);

// Throws Format when width × height is 0, beyond the limit or more than a cv::Mat can hold.
void check_pixels(std::uint64_t width, std::uint64_t height, const std::string& name,
                  const ImageLimits& limits);

}  // namespace medplib::core
