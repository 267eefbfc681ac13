// A region on the grid of image cells that the language model sees.
#pragma once

#include "nn/config.h"

#include <medplib/core/image.h>
#include <medplib/core/region.h>

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace medplib::core {

// What stands for a region of which no cell of the grid is left.
enum class SmallRegion {
  CentroidCell,  // the cell of its centroid
  Nothing,       // no cell, as in the published demo
};

std::string remark_of_small(const ClipConfig& config);

struct GridCells {
  at::Tensor cells;    // (grid, grid) uint8, ≠ 0 inside
  bool small = false;  // no cell was left by itself
};

// `mask`: H × W, CV_8UC1, ≠ 0 inside. An empty mask has no cell.
GridCells grid_cells(const cv::Mat& mask, const ClipConfig& config, SmallRegion small);

struct RegionCells {
  at::Tensor cells;                   // (grid, grid) uint8, ≠ 0 inside
  std::vector<std::string> warnings;  // whole sentences
};

// The cells of what was pointed at in an image. Errors: InvalidArgument (outside the image).
RegionCells region_cells(const Region& region, const Image& image, const ClipConfig& config,
                         SmallRegion small);

}  // namespace medplib::core
