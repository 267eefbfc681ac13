#include "vision/region_cells.h"

#include "image/geometry.h"
#include "vision/pixels.h"

#include <medplib/core/error.h>

#include <ATen/core/Tensor.h>
#include <opencv2/core.hpp>

#include <algorithm>

namespace medplib::core {

namespace {

// Whether a part of what was drawn lies beside the image. A point's square is meant to be clipped.
bool reaches_outside(const Region& region, const Image& image) {
  const auto outside = [&](double x, double y) {
    return x < -0.5 || y < -0.5 || x > image.width() - 0.5 || y > image.height() - 0.5;
  };
  const auto any = [&](const std::vector<cv::Point2d>& points) {
    return std::ranges::any_of(points, [&](const cv::Point2d& p) { return outside(p.x, p.y); });
  };
  if (const auto* box = std::get_if<Region::Box>(&region.shape()))
    return outside(box->x0, box->y0) || outside(box->x1, box->y1);
  if (const auto* polygon = std::get_if<Region::Polygon>(&region.shape())) return any(polygon->corners);
  if (const auto* scribble = std::get_if<Region::Scribble>(&region.shape())) return any(scribble->points);
  return false;
}

}  // namespace

GridCells grid_cells(const cv::Mat& mask, const ClipConfig& config, SmallRegion small) {
  const auto side = static_cast<int>(config.image_size), cells = static_cast<int>(config.grid());
  const RegionGrid grid = region_grid(mask, side, cells);
  const bool centroid = grid.vanished && small == SmallRegion::CentroidCell && cv::countNonZero(mask) > 0;
  return {tensor_of(centroid ? centroid_cell(mask, side, cells) : grid.cells), grid.vanished};
}

RegionCells region_cells(const Region& region, const Image& image, const ClipConfig& config,
                         SmallRegion small) {
  RegionCells result;
  if (reaches_outside(region, image))
    result.warnings.push_back(text_of("A part of the region ", region.describe(),
                                      " lies outside the image of ", image.width(), " × ", image.height(),
                                      " pixels and was left out."));
  const GridCells grid = grid_cells(region.rasterize(image.width(), image.height()), config, small);
  if (grid.small && small == SmallRegion::CentroidCell)
    result.warnings.push_back(text_of("The region ", region.describe(),
                                      " is too small for the model's grid of ", config.grid(), " × ",
                                      config.grid(), " cells; the cell at its centre stands for it."));
  result.cells = grid.cells;
  return result;
}

}  // namespace medplib::core
