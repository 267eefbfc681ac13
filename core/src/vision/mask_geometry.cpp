#include "vision/mask_geometry.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace medplib::core {

namespace {

constexpr double kOutside = -10;  // a logit: probability 5e-5

at::Tensor resized(const at::Tensor& maps, std::int64_t height, std::int64_t width) {
  if (maps.size(2) == height && maps.size(3) == width) return maps;  // their values, to the last bit
  return at::upsample_bilinear2d(maps, {height, width}, /*align_corners=*/false);
}

// With antialiasing: nothing thin is lost on the way down.
at::Tensor reduced(const at::Tensor& maps, std::int64_t height, std::int64_t width) {
  return at::_upsample_bilinear2d_aa(maps, {height, width}, /*align_corners=*/false);
}

at::Tensor framed(const at::Tensor& maps, std::int64_t top, std::int64_t left, std::int64_t side) {
  return at::constant_pad_nd(maps, {left, side - left - maps.size(3), top, side - top - maps.size(2)},
                             kOutside);
}

}  // namespace

Span reference_span(std::int64_t n, std::int64_t side) {
  const std::int64_t padding = n - side;
  const std::int64_t start = padding >= 0 ? padding / 2 : -((-padding + 1) / 2);  // floor(padding / 2)
  // Python's slice: a negative start counts from the end, what is still negative is 0.
  return {start < 0 ? std::max<std::int64_t>(start + n, 0) : start, std::min(start + side, n)};
}

at::Tensor masks_at_image_size(const at::Tensor& low, MaskGeometry geometry, const Letterbox& box) {
  at::Tensor kept;
  if (geometry == MaskGeometry::Reference) {
    const Span rows = reference_span(low.size(2), box.resized_height);
    const Span columns = reference_span(low.size(3), box.resized_width);
    kept = low.slice(2, rows.first, rows.end).slice(3, columns.first, columns.end);
  } else {
    kept = resized(low, box.target, box.target)
               .narrow(2, box.top(), box.resized_height)
               .narrow(3, box.left(), box.resized_width);
  }
  return resized(kept, box.source_height, box.source_width);
}

at::Tensor masks_at_low_resolution(const at::Tensor& logits, MaskGeometry geometry, const Letterbox& box,
                                   std::int64_t n) {
  if (geometry == MaskGeometry::Reference) {
    const Span rows = reference_span(n, box.resized_height), columns = reference_span(n, box.resized_width);
    return framed(reduced(logits, rows.end - rows.first, columns.end - columns.first), rows.first,
                  columns.first, n);
  }
  const at::Tensor fitted = reduced(logits, box.resized_height, box.resized_width);
  return reduced(framed(fitted, box.top(), box.left(), box.target), n, n);
}

Place place_in_input(double x, double y, const Letterbox& box) {
  // Pixels have their centres at whole numbers on both sides.
  const auto fitted = [](double at, int from, int to) { return (at + 0.5) * to / from - 0.5; };
  return {fitted(x, box.source_width, box.resized_width) + box.left(),
          fitted(y, box.source_height, box.resized_height) + box.top()};
}

}  // namespace medplib::core
