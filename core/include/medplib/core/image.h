// Image: pixels and where they came from.
#pragma once

#include <medplib/core/names.h>

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace medplib::core {

// Limits of what a decoder reads. A file above one is refused before memory for it is allocated.
struct ImageLimits {
  std::uint64_t max_bytes = std::uint64_t{512} << 20;   // of the file
  std::uint64_t max_pixels = std::uint64_t{178956970};  // width × height
};

// How 16 bits become 8.
enum class SixteenBit {
  Window,    // the darkest to the brightest value of the picture, outliers left out, become 0 … 255
  HighByte,  // v >> 8, as the published code reads them
};

template <>
struct Names<SixteenBit> {
  static constexpr const char* kind = "sixteen_bit";
  static constexpr NameTable<SixteenBit, 2> all = {
      {{SixteenBit::Window, "window"}, {SixteenBit::HighByte, "high_byte"}}};
};

struct ImageOptions {
  ImageLimits limits;
  SixteenBit sixteen_bit = SixteenBit::Window;
};

// What is to be told of a file, each to be put behind its name: "says (EXIF orientation 3) that …". No remark
// holds a quotation mark.
using Remarks = std::vector<std::string>;

// What is to be told of a file whose EXIF says that it lies turned: it is read as stored, as Pillow reads it.
Remarks remarks_of_orientation(int orientation);

// What is to be told of a file that holds more pictures behind the first.
inline constexpr const char* kSeveralPictures = "holds several pictures; the first is read.";

// What is to be told of a mask that a JPEG file keeps, where it has more than two values.
inline constexpr const char* kNoisyMask =
    "is a JPEG file, which blurs edges: all from value 1 on is inside, the noise around the shape as well. "
    "Save the mask as PNG.";

// What is to be told of a picture of which more channels were in the file than its `colours` and alpha.
std::string remark_of_channels(int channels, int colours);

// The remarks as whole sentences about the file of this name.
std::vector<std::string> sentences_of(const Remarks& remarks, const std::string& name);

class Image {
 public:
  // Reads PNG, JPEG or TIFF, told apart by content.
  // Errors: NotFound, Io, Format (not an image, damaged, truncated, over a limit), Unsupported (a layout that
  // is not read).
  static Image read(const std::filesystem::path& path, const ImageOptions& options = {});
  // Reads the same formats from memory; messages call the file `name`.
  static Image decode(std::span<const std::byte> bytes, const std::string& name,
                      const ImageOptions& options = {});
  // Takes rows of 1 (grey), 3 (RGB) or 4 (RGBA, alpha dropped) bytes a pixel; copied. `remarks`: what the
  // caller knows of where they came from. Errors: InvalidArgument.
  static Image from_pixels(std::span<const std::byte> bytes, int width, int height, std::size_t stride,
                           int channels, Remarks remarks = {});
  // The same from 16-bit values in the machine's byte order; `stride` counts bytes. The window's first value
  // becomes 0 and its second 255, and what lies beyond is cut; without one it is that of files. Errors:
  // InvalidArgument.
  using Window = std::pair<double, double>;
  static Image from_pixels16(std::span<const std::byte> bytes, int width, int height, std::size_t stride,
                             int channels, const std::optional<Window>& window, Remarks remarks = {});

  // The same pixels, of which `more`, whole sentences, is told after what is told already.
  Image with_warnings(const std::vector<std::string>& more) const;

  int width() const { return rgb_.cols; }
  int height() const { return rgb_.rows; }
  const cv::Mat& rgb() const { return rgb_; }        // H × W, CV_8UC3, red first; never written to
  const std::string& name() const { return name_; }  // UTF-8, whatever the file's name is

  // What `medplib info --image` prints of the file.
  struct Origin {
    std::string format = {};                   // "PNG", "JPEG", "TIFF" or "pixels"
    int channels = 3;                          // in the file
    int bits = 8;                              // per channel in the file
    double window_low = 0, window_high = 255;  // the values that became 0 and 255
    Remarks remarks = {};
    std::vector<std::string> warnings = {};  // the remarks as sentences; answers about the image repeat them
  };
  const Origin& origin() const { return origin_; }

 private:
  Image(cv::Mat rgb, const std::string& name, Origin origin);
  cv::Mat rgb_;
  std::string name_;
  Origin origin_;
};

// Returns what `medplib info --image --json` prints: one JSON object.
std::string info_json(const Image& image);

}  // namespace medplib::core
