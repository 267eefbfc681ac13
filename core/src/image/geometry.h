// Resizing and letterboxes, to the bit as the published code's Pillow does them (docs/model.md, Images).
#pragma once

#include <opencv2/core/mat.hpp>

namespace medplib::core {

// How an image was fitted into a square; kept with the image, so that places and masks can be mapped back.
struct Letterbox {
  int source_width = 0, source_height = 0;
  int target = 0;                             // side of the square
  int resized_width = 0, resized_height = 0;  // longest side = target, at least 1
  int left() const { return (target - resized_width) / 2; }
  int top() const { return (target - resized_height) / 2; }
};

Letterbox letterbox(int width, int height, int target);

// Pillow 10's antialiased bilinear on CV_8UC1 or CV_8UC3, bit-exact: horizontal pass, rounded to uint8, then
// the vertical one.
cv::Mat resize_bilinear(const cv::Mat& pixels, int width, int height);

// The image scaled to fit and padded to target × target with the integer colour (122, 116, 104): the CLIP
// branch before scaling.
cv::Mat clip_square(const cv::Mat& rgb, int target);

// The image scaled to fit, unpadded: the SAM branch before normalising.
cv::Mat sam_resized(const cv::Mat& rgb, int target);

// A region on the language model's grid of image cells (docs/model.md, Regions).
struct RegionGrid {
  cv::Mat cells;          // grid × grid, CV_8UC1, 1 inside
  bool vanished = false;  // no cell is inside at this resolution
};

// `mask`: image-size 0/1. Longest side → target (Pillow on the 0/1 bytes), centred zero pad, nearest: cell
// (i, j) takes pixel (i·target/grid, j·target/grid).
RegionGrid region_grid(const cv::Mat& mask, int target, int grid);

// Returns the grid with only the cell of the mask's centroid inside: it replaces a region that vanished.
cv::Mat centroid_cell(const cv::Mat& mask, int target, int grid);

}  // namespace medplib::core
