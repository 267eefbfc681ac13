#include "entry.h"
#include "handles.h"

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstring>

namespace medplib::capi {
namespace {

using core::ErrorCode;
using core::fail;

void copy_pixels(const core::Mask& mask, std::uint8_t* buffer, std::size_t capacity, std::size_t stride,
                 std::size_t* needed) {
  const auto width = static_cast<std::size_t>(mask.width());
  const auto gaps = static_cast<std::size_t>(mask.height()) - 1;
  if (stride < width || (gaps > 0 && stride > (SIZE_MAX - width) / gaps))
    fail(ErrorCode::InvalidArgument, "stride ", stride, " does not fit rows of ", width, " bytes.");
  const std::size_t size = gaps * stride + width;
  if (needed != nullptr) *needed = size;
  if (buffer == nullptr && capacity == 0) return;
  required(buffer, "buffer");
  if (capacity < size)
    fail(ErrorCode::InvalidArgument, "The buffer has ", capacity, " bytes, but the mask needs ", size, ".");
  const cv::Mat binary = mask.binary();
  for (int y = 0; y < binary.rows; ++y)
    std::memcpy(buffer + static_cast<std::size_t>(y) * stride, binary.ptr(y), width);
}

}  // namespace
}  // namespace medplib::capi

using namespace medplib::capi;

const char* medplib_answer_text(const medplib_answer* answer) {
  const char* text = nullptr;
  guarded([&] { text = required(answer, "answer").text.c_str(); });
  return text;
}

std::int32_t medplib_answer_mask_count(const medplib_answer* answer) {
  std::int32_t count = 0;
  const std::int32_t status =
      guarded([&] { count = static_cast<std::int32_t>(required(answer, "answer").masks.size()); });
  return status == MEDPLIB_OK ? count : status;
}

std::int32_t medplib_answer_mask(const medplib_answer* answer, std::int32_t index,
                                 const medplib_mask** mask) {
  return guarded([&] {
    const medplib_mask*& found = output(mask, "mask");
    const auto& masks = required(answer, "answer").masks;
    if (index < 0 || static_cast<std::size_t>(index) >= masks.size())
      fail(ErrorCode::InvalidArgument, "There is no mask ", index, ": the answer has ", masks.size(), ".");
    found = &masks[static_cast<std::size_t>(index)];
  });
}

void medplib_answer_free(medplib_answer* answer) { delete answer; }

std::int32_t medplib_mask_size(const medplib_mask* mask, std::int32_t* width, std::int32_t* height) {
  return guarded([&] {
    const auto& measured = required(mask, "mask").mask;
    required(width, "width");
    required(height, "height");
    *width = measured.width();
    *height = measured.height();
  });
}

std::int32_t medplib_mask_pixels(const medplib_mask* mask, std::uint8_t* buffer, std::size_t capacity,
                                 std::size_t stride, std::size_t* needed) {
  return guarded([&] { copy_pixels(required(mask, "mask").mask, buffer, capacity, stride, needed); });
}
