#include "handles.h"
#include "results.h"

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace medplib::capi {
namespace {

using core::ErrorCode;
using core::fail;

const core::Mask& drawn(const medplib_mask* mask) { return required(mask, "mask").mask; }

// Rows of T that begin `stride` elements apart; `picture` makes them when they are wanted.
template <class T, class Picture>
void copy_rows(const core::Mask& mask, T* buffer, std::size_t capacity, std::size_t stride,
               std::size_t* needed, const Picture& picture) {
  const auto width = static_cast<std::size_t>(mask.width());
  const auto gaps = static_cast<std::size_t>(mask.height()) - 1;
  if (stride < width || (gaps > 0 && stride > (SIZE_MAX / sizeof(T) - width) / gaps))
    fail(ErrorCode::InvalidArgument, "stride ", stride, " does not fit rows of ", width, " pixels.");
  if (!wants(buffer, capacity, gaps * stride + width, needed)) return;
  const cv::Mat rows = picture();
  for (int y = 0; y < rows.rows; ++y)
    std::memcpy(buffer + static_cast<std::size_t>(y) * stride, rows.ptr<T>(y), width * sizeof(T));
}

std::vector<std::int32_t> corners_of(const std::vector<cv::Point>& contour) {
  std::vector<std::int32_t> xy;
  for (const cv::Point& corner : contour) xy.insert(xy.end(), {corner.x, corner.y});
  return xy;
}

std::vector<core::Mask> masks_of(const medplib_mask* const* masks, std::size_t count) {
  std::vector<core::Mask> all;
  if (count > 0) required(masks, "masks");
  for (std::size_t i = 0; i < count; ++i) all.push_back(required(masks[i], "masks[i]").mask);
  return all;
}

std::vector<cv::Mat> rasterized(const medplib_region* const* regions, std::size_t count,
                                const core::Image& image) {
  std::vector<cv::Mat> all;
  if (count > 0) required(regions, "regions");
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(required(regions[i], "regions[i]").region.rasterize(image.width(), image.height()));
  return all;
}

}  // namespace
}  // namespace medplib::capi

using namespace medplib::capi;

std::int32_t medplib_mask_from_region(const medplib_region* region, std::int32_t width, std::int32_t height,
                                      medplib_mask** mask) {
  return guarded([&] {
    medplib_mask*& made = output(mask, "mask");
    made =
        new medplib_mask{medplib::core::Mask::from_region(required(region, "region").region, width, height)};
  });
}

void medplib_mask_free(medplib_mask* mask) { delete mask; }

std::int32_t medplib_mask_size(const medplib_mask* mask, std::int32_t* width, std::int32_t* height) {
  return guarded([&] {
    const auto& measured = drawn(mask);
    required(width, "width");
    required(height, "height");
    *width = measured.width();
    *height = measured.height();
  });
}

const char* medplib_mask_label(const medplib_mask* mask) {
  const char* label = nullptr;
  guarded([&] { label = drawn(mask).label().c_str(); });
  return label;
}

std::int32_t medplib_mask_threshold(const medplib_mask* mask, double* threshold) {
  return guarded([&] { required(threshold, "threshold") = drawn(mask).threshold(); });
}

std::int32_t medplib_mask_area(const medplib_mask* mask, std::int64_t* area) {
  return guarded([&] { required(area, "area") = drawn(mask).area(); });
}

std::int32_t medplib_mask_presence(const medplib_mask* mask, double* presence) {
  return guarded(
      [&] { required(presence, "presence") = drawn(mask).presence.value_or(MEDPLIB_NO_PROBABILITY); });
}

std::int32_t medplib_mask_iou_estimate(const medplib_mask* mask, double* iou) {
  return guarded([&] { required(iou, "iou") = drawn(mask).iou_estimate.value_or(MEDPLIB_NO_PROBABILITY); });
}

std::int32_t medplib_mask_pixels(const medplib_mask* mask, std::uint8_t* buffer, std::size_t capacity,
                                 std::size_t stride, std::size_t* needed) {
  return guarded([&] {
    const auto& read = drawn(mask);
    copy_rows(read, buffer, capacity, stride, needed, [&] { return read.binary(); });
  });
}

std::int32_t medplib_mask_logits(const medplib_mask* mask, float* buffer, std::size_t capacity,
                                 std::size_t stride, std::size_t* needed) {
  return guarded([&] {
    const auto& read = drawn(mask);
    copy_rows(read, buffer, capacity, stride, needed, [&] { return read.logits(); });
  });
}

std::int32_t medplib_mask_embedding(const medplib_mask* mask, float* buffer, std::size_t capacity,
                                    std::size_t* needed) {
  return guarded([&] { copy_out(std::span(drawn(mask).embedding), buffer, capacity, needed); });
}

std::int32_t medplib_mask_rle(const medplib_mask* mask, medplib_bytes** counts) {
  return guarded([&] {
    medplib_bytes*& encoded = output(counts, "counts");
    encoded = bytes_of(drawn(mask).run_lengths().counts);
  });
}

std::int32_t medplib_mask_png(const medplib_mask* mask, medplib_bytes** png) {
  return guarded([&] {
    medplib_bytes*& encoded = output(png, "png");
    encoded = bytes_of(drawn(mask).png());
  });
}

std::int32_t medplib_mask_polygons(const medplib_mask* mask, medplib_polygons** polygons) {
  return guarded([&] {
    medplib_polygons*& found = output(polygons, "polygons");
    auto all = std::make_unique<medplib_polygons>();
    for (const auto& outline : drawn(mask).outlines()) {
      all->polygons.push_back(corners_of(outline.outer));
      for (const auto& hole : outline.holes) all->polygons.push_back(corners_of(hole));
    }
    found = all.release();
  });
}

std::size_t medplib_polygons_count(const medplib_polygons* polygons) {
  return polygons == nullptr ? 0 : polygons->polygons.size();
}

std::int32_t medplib_polygons_get(const medplib_polygons* polygons, std::size_t index,
                                  const std::int32_t** xy, std::size_t* count) {
  return guarded([&] {
    const auto& all = required(polygons, "polygons").polygons;
    required(xy, "xy");
    required(count, "count");
    if (index >= all.size())
      fail(ErrorCode::InvalidArgument, "There is no contour ", index, ": there are ", all.size(),
           ", counted from 0.");
    *xy = all[index].data();
    *count = all[index].size() / 2;
  });
}

void medplib_polygons_free(medplib_polygons* polygons) { delete polygons; }

std::int32_t medplib_overlay_png(const medplib_image* image, const medplib_mask* const* masks,
                                 std::size_t mask_count, const medplib_region* const* regions,
                                 std::size_t region_count, medplib_bytes** png) {
  return guarded([&] {
    medplib_bytes*& encoded = output(png, "png");
    const auto& below = required(image, "image").image;
    encoded = bytes_of(medplib::core::overlay_png(below, masks_of(masks, mask_count),
                                                  rasterized(regions, region_count, below)));
  });
}
