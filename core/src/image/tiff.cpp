#include "image/decode.h"

#include <medplib/core/error.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <tiffio.h>
#include <utility>
#include <vector>

namespace medplib::core {

namespace {

// The file in memory, for libtiff's client functions, and libtiff's first error message.
struct Source {
  std::span<const std::byte> bytes;
  std::uint64_t position = 0;
  std::string complaint;
};

Source& source_of(thandle_t handle) { return *static_cast<Source*>(handle); }

tmsize_t read_source(thandle_t handle, void* to, tmsize_t size) {
  Source& source = source_of(handle);
  if (size <= 0 || source.position >= source.bytes.size()) return 0;
  const auto count = std::min(static_cast<std::size_t>(size),
                              source.bytes.size() - static_cast<std::size_t>(source.position));
  std::memcpy(to, source.bytes.data() + source.position, count);
  source.position += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t write_nothing(thandle_t, void*, tmsize_t) { return 0; }

toff_t seek_source(thandle_t handle, toff_t offset, int whence) {
  Source& source = source_of(handle);
  const std::uint64_t base = whence == SEEK_SET   ? 0
                             : whence == SEEK_CUR ? source.position
                                                  : source.bytes.size();
  return source.position = base + offset;
}

int close_nothing(thandle_t) { return 0; }
toff_t size_of_source(thandle_t handle) { return source_of(handle).bytes.size(); }

int keep_first_complaint(TIFF*, void* user_data, const char*, const char* format, std::va_list arguments) {
  auto& complaint = static_cast<Source*>(user_data)->complaint;
  std::array<char, 300> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  if (complaint.empty()) complaint = text.data();
  return 1;
}

int ignore_warning(TIFF*, void*, const char*, const char*, std::va_list) { return 1; }

struct TiffLayout {
  std::uint32_t width = 0, height = 0;
  std::uint16_t bits = 1, samples = 1, photometric = PHOTOMETRIC_MINISBLACK, planar = PLANARCONFIG_CONTIG;
  std::uint16_t sample_format = SAMPLEFORMAT_UINT, orientation = ORIENTATION_TOPLEFT;
  std::vector<std::uint16_t> extra = {};  // of each sample beyond the colours, what it is

  bool is_grey() const {
    return photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE;
  }
  // A fourth sample of RGB that nothing is said of is alpha, as libtiff and Pillow take it.
  bool alpha_comes_first() const {
    if (extra.empty()) return photometric == PHOTOMETRIC_RGB && samples == 4;
    return photometric != PHOTOMETRIC_SEPARATED &&  // libtiff's conversion leaves it out
           (extra.front() == EXTRASAMPLE_ASSOCALPHA || extra.front() == EXTRASAMPLE_UNASSALPHA);
  }
  bool is_premultiplied() const { return !extra.empty() && extra.front() == EXTRASAMPLE_ASSOCALPHA; }
  // Samples that are seen. Three of "grey" are red, green and blue of a writer that has no word for them.
  int colours() const {
    switch (photometric) {
      case PHOTOMETRIC_MINISBLACK:
        return samples - std::ssize(extra) == 3 || (samples == 3 && !alpha_comes_first()) ? 3 : 1;
      case PHOTOMETRIC_MINISWHITE:
      case PHOTOMETRIC_PALETTE:
        return 1;
      case PHOTOMETRIC_SEPARATED:
        return 4;
      default:
        return 3;
    }
  }
  bool has_alpha() const { return alpha_comes_first() && samples > colours(); }
  Remarks remarks() const {
    if (samples <= colours() + (has_alpha() ? 1 : 0)) return {};
    return {remark_of_channels(samples, colours())};
  }
};

struct Layers {
  cv::Mat pixels, alpha;
};

// Of colours that were multiplied by alpha those that they were, as Pillow rounds them.
template <class T>
cv::Mat divided_by(const cv::Mat& plane, const cv::Mat& alpha) {
  constexpr std::int64_t most = std::numeric_limits<T>::max();
  cv::Mat colours = cv::Mat::zeros(plane.size(), plane.type());
  for (int y = 0; y < plane.rows; ++y)
    for (int x = 0; x < plane.cols; ++x)
      if (const T opaque = alpha.at<T>(y, x); opaque > 0)
        colours.at<T>(y, x) = static_cast<T>(std::min(plane.at<T>(y, x) * most / opaque, most));
  return colours;
}

cv::Mat divided_by_alpha(const cv::Mat& plane, const cv::Mat& alpha) {
  return plane.depth() == CV_8U ? divided_by<std::uint8_t>(plane, alpha)
                                : divided_by<std::uint16_t>(plane, alpha);
}

class TiffReader {
 public:
  TiffReader(std::span<const std::byte> bytes, std::string name, const ImageLimits& limits)
      : name_(std::move(name)), source_{bytes, 0, {}}, tiff_(nullptr, &TIFFClose) {
    const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                   &TIFFOpenOptionsFree);
    if (!options) throw std::bad_alloc();
    // Eight bytes a pixel and some room: a directory that asks for more than the picture can need is refused.
    const auto allowance =
        static_cast<tmsize_t>(std::min(limits.max_pixels, std::uint64_t{1} << 40) * 8 + (1 << 20));
    TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), allowance);
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_first_complaint, &source_);
    TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore_warning, nullptr);
    tiff_.reset(TIFFClientOpenExt(name_.c_str(), "rm", &source_, read_source, write_nothing, seek_source,
                                  close_nothing, size_of_source, nullptr, nullptr, options.get()));
    if (!tiff_) fail_damaged();
    read_layout(limits);
  }

  const TiffLayout& layout() const { return layout_; }
  Remarks remarks() const {
    Remarks remarks = layout_.remarks();
    if (TIFFLastDirectory(tiff_.get()) == 0) remarks.emplace_back(kSeveralPictures);
    return remarks;
  }

  // 8 or 16 bits of grey or RGB, as they are; further samples than alpha dropped.
  Layers plain() const {
    const int wanted = layout_.colours() + (layout_.has_alpha() ? 1 : 0);
    std::vector<cv::Mat> planes;
    if (layout_.planar == PLANARCONFIG_SEPARATE) {
      for (int plane = 0; plane < wanted; ++plane)
        planes.push_back(read_plane(1, static_cast<std::uint16_t>(plane)));
    } else {
      cv::Mat all = read_plane(layout_.samples, 0);
      if (layout_.samples == layout_.colours()) return {all, {}};
      for (int channel = 0; channel < wanted; ++channel) {
        planes.emplace_back();
        cv::extractChannel(all, planes.back(), channel);
      }
    }
    Layers layers;
    if (layout_.has_alpha()) {
      layers.alpha = planes.back();
      planes.pop_back();
    }
    if (layout_.has_alpha() && layout_.is_premultiplied())
      for (cv::Mat& plane : planes) plane = divided_by_alpha(plane, layers.alpha);
    cv::merge(planes, layers.pixels);
    return layers;
  }

  // Everything else of 8 bits and less (palettes, bilevel, YCbCr, CMYK) by libtiff's own conversion.
  Layers converted() const {
    std::array<char, 1024> why{};
    if (TIFFRGBAImageOK(tiff_.get(), why.data()) == 0)
      fail(ErrorCode::Unsupported, '"', name_, "\" is a TIFF file of a layout that is not read (", why.data(),
           ").");
    cv::Mat rgba(static_cast<int>(layout_.height), static_cast<int>(layout_.width), CV_8UC4);
    // With the file's own orientation as the target, libtiff does not turn the picture.
    if (TIFFReadRGBAImageOriented(tiff_.get(), layout_.width, layout_.height, rgba.ptr<std::uint32_t>(),
                                  layout_.orientation, 1) == 0)
      fail_damaged();
    cv::Mat rgb(rgba.size(), CV_8UC3);
    constexpr std::array<int, 6> drop_alpha{0, 0, 1, 1, 2, 2};
    cv::mixChannels(&rgba, 1, &rgb, 1, drop_alpha.data(), 3);
    cv::Mat alpha;
    if (layout_.has_alpha()) cv::extractChannel(rgba, alpha, 3);
    return {rgb, alpha};
  }

 private:
  [[noreturn]] void fail_damaged() const {
    fail(ErrorCode::Format, '"', name_, "\" is a damaged or truncated TIFF file (",
         source_.complaint.empty() ? "it cannot be decoded" : source_.complaint, ").");
  }

  void read_layout(const ImageLimits& limits) {
    TIFF* tiff = tiff_.get();
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &layout_.width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &layout_.height);
    check_pixels(layout_.width, layout_.height, name_, limits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout_.bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout_.samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &layout_.planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &layout_.sample_format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &layout_.orientation);
    TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout_.photometric);
    std::uint16_t count = 0;
    const std::uint16_t* kinds = nullptr;
    if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) == 1)
      layout_.extra.assign(kinds, kinds + count);
    if (layout_.samples < 1 || layout_.samples > 16)
      fail(ErrorCode::Unsupported, '"', name_, "\" is a TIFF file of ", layout_.samples,
           " channels; 1 to 16 are read.");
  }

  // Rows of `samples` interleaved samples; of a file in separate planes, the one of that index.
  cv::Mat read_plane(int samples, std::uint16_t plane) const {
    const int type = CV_MAKETYPE(depth(), samples);
    cv::Mat pixels(static_cast<int>(layout_.height), static_cast<int>(layout_.width), type);
    if (TIFFIsTiled(tiff_.get()) != 0)
      read_tiles(pixels, plane);
    else
      read_rows(pixels, plane);
    return pixels;
  }

  int depth() const {
    if (layout_.bits == 8) return CV_8U;
    return layout_.sample_format == SAMPLEFORMAT_INT ? CV_16S : CV_16U;
  }

  void read_rows(cv::Mat& pixels, std::uint16_t plane) const {
    if (static_cast<std::size_t>(TIFFScanlineSize(tiff_.get())) !=
        pixels.elemSize() * static_cast<std::size_t>(pixels.cols))
      fail_damaged();
    for (int row = 0; row < pixels.rows; ++row)
      if (TIFFReadScanline(tiff_.get(), pixels.ptr(row), static_cast<std::uint32_t>(row), plane) != 1)
        fail_damaged();
  }

  void read_tiles(cv::Mat& pixels, std::uint16_t plane) const {
    std::uint32_t tile_width = 0, tile_height = 0;
    TIFFGetField(tiff_.get(), TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(tiff_.get(), TIFFTAG_TILELENGTH, &tile_height);
    constexpr std::uint32_t most = 1 << 14;
    if (tile_width == 0 || tile_height == 0 || tile_width > most || tile_height > most) fail_damaged();
    const int step_x = static_cast<int>(tile_width), step_y = static_cast<int>(tile_height);
    cv::Mat tile(step_y, step_x, pixels.type());
    const auto size = static_cast<tmsize_t>(tile.total() * tile.elemSize());
    if (TIFFTileSize(tiff_.get()) != size) fail_damaged();
    for (int y = 0; y < pixels.rows; y += step_y)
      for (int x = 0; x < pixels.cols; x += step_x) {
        if (TIFFReadTile(tiff_.get(), tile.data, static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y),
                         0, plane) != size)
          fail_damaged();
        const cv::Size part(std::min(step_x, pixels.cols - x), std::min(step_y, pixels.rows - y));
        tile(cv::Rect({0, 0}, part)).copyTo(pixels(cv::Rect({x, y}, part)));
      }
  }

  std::string name_;
  Source source_;
  TiffLayout layout_;
  std::unique_ptr<TIFF, decltype(&TIFFClose)> tiff_;
};

bool is_plain(const TiffLayout& layout) {
  const bool whole = layout.sample_format == SAMPLEFORMAT_UINT ||
                     (layout.sample_format == SAMPLEFORMAT_INT && layout.bits == 16 && layout.samples == 1);
  const bool rgb = layout.photometric == PHOTOMETRIC_RGB && layout.samples >= 3;
  return whole && (layout.bits == 8 || layout.bits == 16) && (layout.is_grey() || rgb);
}

// Turns a picture by TIFF's orientation: a flip, or from 5 on a transposition and a flip.
cv::Mat upright(const cv::Mat& pixels, std::uint16_t orientation) {
  cv::Mat turned = orientation >= ORIENTATION_LEFTTOP ? cv::Mat(pixels.t()) : pixels;
  switch (orientation) {
    case ORIENTATION_TOPRIGHT:
    case ORIENTATION_RIGHTTOP:
      cv::flip(turned, turned, 1);
      break;
    case ORIENTATION_BOTRIGHT:
    case ORIENTATION_RIGHTBOT:
      cv::flip(turned, turned, -1);
      break;
    case ORIENTATION_BOTLEFT:
    case ORIENTATION_LEFTBOT:
      cv::flip(turned, turned, 0);
      break;
    default:
      break;
  }
  return turned;
}

}  // namespace

DecodedImage decode_tiff(std::span<const std::byte> bytes, const std::string& name,
                         const ImageLimits& limits) {
  const TiffReader reader(bytes, name, limits);
  const TiffLayout& layout = reader.layout();
  const bool plain = is_plain(layout);
  if (!plain && (layout.bits > 8 || layout.sample_format != SAMPLEFORMAT_UINT))
    fail(ErrorCode::Unsupported, '"', name, "\" is a TIFF file of ", layout.bits,
         " bits a sample in a layout that is not read; 8 and 16 bits of grey and RGB are.");
  Layers layers = plain ? reader.plain() : reader.converted();
  if (plain && layout.photometric == PHOTOMETRIC_MINISWHITE) cv::bitwise_not(layers.pixels, layers.pixels);
  return {upright(layers.pixels, layout.orientation),
          {.format = "TIFF", .channels = layout.samples, .bits = layout.bits, .remarks = reader.remarks()},
          layers.alpha.empty() ? cv::Mat() : upright(layers.alpha, layout.orientation)};
}

PictureHeader tiff_header(std::span<const std::byte> bytes, const std::string& name) {
  const TiffReader reader(bytes, name, {});
  return {.remarks = reader.remarks(),
          .has_alpha = reader.layout().has_alpha(),
          .sixteen_bits = reader.layout().bits == 16};
}

}  // namespace medplib::core
