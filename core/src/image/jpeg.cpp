#include "image/decode.h"
#include "image/exif.h"

#include <medplib/core/error.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <span>
#include <string_view>

// jerror.h looks at what jpeglib.h defines.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

namespace medplib::core {

namespace {

// Pictures have a few scans; a file with a thousand of them is made to keep a decoder busy.
constexpr int kMaxScans = 500;

constexpr int kExifMarker = JPEG_APP0 + 1;

struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf jump;
  std::array<char, JMSG_LENGTH_MAX> message;
};

[[noreturn]] void leave(j_common_ptr info) {
  auto* errors = reinterpret_cast<ErrorManager*>(info->err);
  errors->base.format_message(info, errors->message.data());
  std::longjmp(errors->jump, 1);
}

// libjpeg only warns of lost data and fills it with grey; here an incomplete picture is an error.
void leave_when_data_is_lost(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
      leave(info);
    default:
      return;
  }
}

void leave_after_too_many_scans(j_common_ptr info) {
  const auto* decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (decompress->input_scan_number <= kMaxScans) return;
  auto* errors = reinterpret_cast<ErrorManager*>(info->err);
  std::snprintf(errors->message.data(), errors->message.size(), "More than %d scans", kMaxScans);
  std::longjmp(errors->jump, 1);
}

// libjpeg leaves by longjmp: the functions that call setjmp have no objects with destructors.
class JpegReader {
 public:
  JpegReader() {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = leave;
    errors_.base.emit_message = leave_when_data_is_lost;
    progress_.progress_monitor = leave_after_too_many_scans;
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  bool read_header(std::span<const std::byte> bytes) {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()),
                 static_cast<unsigned long>(bytes.size()));
    jpeg_save_markers(&info_, kExifMarker, 0xffff);
    jpeg_read_header(&info_, TRUE);
    return true;
  }

  // Only before read_pixels, which makes libjpeg release its markers.
  int orientation() const {
    constexpr std::string_view kBeginning("Exif\0\0", 6);
    for (const jpeg_marker_struct* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (marker->marker == kExifMarker && data.starts_with(kBeginning))
        return exif_orientation(std::as_bytes(std::span(data)));
    }
    return 1;
  }

  bool read_pixels(cv::Mat& pixels, J_COLOR_SPACE colours) {
    if (setjmp(errors_.jump) != 0) return false;
    info_.out_color_space = colours;
    jpeg_start_decompress(&info_);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = pixels.ptr(static_cast<int>(info_.output_scanline));
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  const jpeg_decompress_struct& info() const { return info_; }
  const char* message() const { return errors_.message.data(); }
  // Whether it is whole, but of a kind that libjpeg does not read.
  bool is_of_another_kind() const {
    const int code = errors_.base.msg_code;
    return code == JERR_BAD_PRECISION || code == JERR_SOF_UNSUPPORTED || code == JERR_ARITH_NOTIMPL;
  }

 private:
  jpeg_decompress_struct info_{};
  ErrorManager errors_{};
  jpeg_progress_mgr progress_{};
};

[[noreturn]] void fail_jpeg(const std::string& name, const JpegReader& reader) {
  if (reader.is_of_another_kind())
    fail(ErrorCode::Unsupported, '"', name, "\" is a JPEG file of a kind that is not read (",
         reader.message(), "); save it as PNG, or as JPEG of 8 bits.");
  fail(ErrorCode::Format, '"', name, "\" is a damaged or truncated JPEG file (", reader.message(), ").");
}

// Pillow's cmyk2rgb; JPEG files hold CMYK inverted, as Adobe writes it.
cv::Mat rgb_of_inverted_cmyk(const cv::Mat& cmyk) {
  cv::Mat rgb(cmyk.rows, cmyk.cols, CV_8UC3);
  for (int y = 0; y < cmyk.rows; ++y)
    for (int x = 0; x < cmyk.cols; ++x) {
      const auto& in = cmyk.at<cv::Vec4b>(y, x);
      const int white = in[3];
      for (int c = 0; c < 3; ++c) {
        const int product = (255 - in[c]) * white + 128;
        rgb.at<cv::Vec3b>(y, x)[c] = static_cast<std::uint8_t>(white - (((product >> 8) + product) >> 8));
      }
    }
  return rgb;
}

}  // namespace

DecodedImage decode_jpeg(std::span<const std::byte> bytes, const std::string& name,
                         const ImageLimits& limits) {
  JpegReader reader;
  if (!reader.read_header(bytes)) fail_jpeg(name, reader);
  const auto& info = reader.info();
  check_pixels(info.image_width, info.image_height, name, limits);
  const int channels = info.num_components, orientation = reader.orientation();
  if (channels != 1 && channels != 3 && channels != 4)
    fail(ErrorCode::Unsupported, '"', name, "\" is a JPEG file of ", channels,
         " channels; grey, RGB and CMYK are read.");
  cv::Mat pixels(static_cast<int>(info.image_height), static_cast<int>(info.image_width), CV_8UC(channels));
  const J_COLOR_SPACE colours = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  if (!reader.read_pixels(pixels, colours)) fail_jpeg(name, reader);
  if (channels == 4) pixels = rgb_of_inverted_cmyk(pixels);
  return {
      pixels,
      {.format = "JPEG", .channels = channels, .bits = 8, .remarks = remarks_of_orientation(orientation)}};
}

PictureHeader jpeg_header(std::span<const std::byte> bytes, const std::string& name) {
  JpegReader reader;
  if (!reader.read_header(bytes)) fail_jpeg(name, reader);
  return {.remarks = remarks_of_orientation(reader.orientation()), .lossy = true};
}

}  // namespace medplib::core
