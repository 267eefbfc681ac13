// Decoding image files: one decoder per format; limits are checked before anything is allocated.
#pragma once

#include <medplib/core/image.h>

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace medplib::core {

// What a file holds: CV_8UC3 or CV_16UC3 (RGB), or CV_8UC1, CV_16UC1 or CV_16SC1 (grey), unblended; palettes
// and fewer bits are expanded.
struct DecodedImage {
  cv::Mat pixels;
  Image::Origin origin;
  cv::Mat alpha = {};  // of the same size, CV_8UC1 or CV_16UC1; empty where the file has none
};

// What a file's header tells.
struct PictureHeader {
  Remarks remarks;  // as the decoder makes them, but for those that values tell:
  bool has_alpha = false, sixteen_bits = false, lossy = false;
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

// Without decoding a pixel; the file's bytes are looked at where the header lies. Errors: as decode_any.
PictureHeader header_of(std::span<const std::byte> bytes, const std::string& name);

PictureHeader png_header(std::span<const std::byte> bytes);
PictureHeader jpeg_header(std::span<const std::byte> bytes, const std::string& name);
PictureHeader tiff_header(std::span<const std::byte> bytes, const std::string& name);

// Takes the last of 2 or 4 channels out of them; nothing of 1 or 3.
cv::Mat take_alpha(cv::Mat& pixels);

// What of a picture is looked at where it is a mask: H × W, one channel of 8 or 16 bits: Pillow's grey, or
// alpha where that differs from place to place; a remark says so then.
struct MaskValues {
  cv::Mat values;
  Remarks remarks;
};
MaskValues mask_values_of(DecodedImage decoded);

// A mask from what was decoded: H × W, CV_8UC1, 1 where those values are ≥ 1.
struct ReadMask {
  cv::Mat inside;
  Remarks remarks;
};
ReadMask mask_of(DecodedImage decoded);

// Of 16-bit pixels, the values that become black and white where nobody says which: the darkest and the
// brightest. Left out are outliers, when they lie farther off than the rest is wide: at either end a
// thousandth of the values, but no more than a twentieth of those that aren't the most frequent one, the
// background; one at least. Pictures of a few values, such as label maps, have none.
struct VisibleWindow {
  double low, high;
  bool crowded = false;  // nearly all values but the background's lie in a sixteenth of it
};
VisibleWindow visible_window(const cv::Mat& pixels);

// Pillow's conversion to grey ("L"): 8-bit, rounded; grey of 16 bits is cut at 255, of 16-bit colour the high
// byte counts.
cv::Mat grey_as_pillow(const cv::Mat& pixels);

// Throws Format when width × height is 0, beyond the limit or more than a cv::Mat can hold.
void check_pixels(std::uint64_t width, std::uint64_t height, const std::string& name,
                  const ImageLimits& limits);

}  // namespace medplib::core
