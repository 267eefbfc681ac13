// Mask logits between the decoder's low resolution and the image (docs/model.md, Mask geometry).
// Differentiable: training uses them.
#pragma once

#include "image/geometry.h"
#include "nn/config.h"

#include <ATen/core/Tensor.h>

namespace medplib::core {

// low (N, M, n, n) of images fitted by `box` into the SAM input → logits (N, M, H, W) at the image's size.
//   Centered: up to the SAM input, cut to the image's true area, to the image's size.
//   Reference: the published code's crop of the low resolution by sizes that are those of the SAM input, with
//   Python's slice of negative starts, then to the image's size.
at::Tensor masks_at_image_size(const at::Tensor& low, MaskGeometry geometry, const Letterbox& box);

// The way back, for a mask as prompt: logits (N, M, H, W) → (N, M, n, n). What lies outside the image, or
// outside the published crop, is certainly not inside.
at::Tensor masks_at_low_resolution(const at::Tensor& logits, MaskGeometry geometry, const Letterbox& box,
                                   std::int64_t n);

// Rows (or columns) first … end − 1 of `n` that the published crop keeps for a SAM input of `side`.
struct Span {
  std::int64_t first, end;
};
Span reference_span(std::int64_t n, std::int64_t side);

// x, y in pixels of the image, (0, 0) the centre of the top left one → pixels of the padded SAM input.
struct Place {
  double x, y;
};
Place place_in_input(double x, double y, const Letterbox& box);

}  // namespace medplib::core
