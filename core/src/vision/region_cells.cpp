#include "vision/region_cells.h"

#include "image/geometry.h"
#include "vision/pixels.h"

#include <medplib/core/error.h>

#include <ATen/core/Tensor.h>
#include <opencv2/core.hpp>

namespace medplib::core {

GridCells grid_cells(const cv::Mat& mask, const ClipConfig& config, SmallRegion small) {
  const auto side = static_cast<int>(config.image_size), cells = static_cast<int>(config.grid());
  const RegionGrid grid = region_grid(mask, side, cells);
  const bool centroid = grid.vanished && small == SmallRegion::CentroidCell && cv::countNonZero(mask) > 0;
  return {tensor_of(centroid ? centroid_cell(mask, side, cells) : grid.cells), grid.vanished};
}

std::string remark_of_small(const ClipConfig& config) {
  return text_of("is too small for the model's grid of ", config.grid(), " × ", config.grid(),
                 " cells; the cell at its centre stands for it.");
}

RegionCells region_cells(const Region& region, const Image& image, const ClipConfig& config,
                         SmallRegion small) {
  const cv::Mat drawn = region.rasterize(image.width(), image.height());
  const GridCells grid = grid_cells(drawn, config, small);
  RegionCells result{.cells = grid.cells, .warnings = region.warnings(drawn)};
  if (grid.small && small == SmallRegion::CentroidCell)
    result.warnings.push_back(text_of("The region ", region.describe(), " ", remark_of_small(config)));
  return result;
}

}  // namespace medplib::core
