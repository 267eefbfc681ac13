#include "generate/encoded_image.h"

#include "generate/pixels.h"
#include "generate/stopwatch.h"

#include <ATen/ATen.h>
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

EncodedImage::EncodedImage(const LoadedModel& model, Image image, const Interrupt& interrupt)
    : model_(model),
      interrupt_(interrupt),
      image_(std::move(image)),
      sam_box_(
          letterbox(image_.width(), image_.height(), static_cast<int>(model.facts.config.sam.image_size))) {}

void EncodedImage::see() {
  if (tokens_.defined()) return;
  const Stopwatch watch(milliseconds_);
  const at::Tensor pixels = clip_pixels(image_.rgb(), model_.facts.config.clip).to(model_.options());
  const at::Tensor features = model_.network.clip(pixels.unsqueeze(0), interrupt_.tap());
  features_ = features[0];
  tokens_ = model_.network.projector(features)[0];
}

const at::Tensor& EncodedImage::tokens() {
  see();
  return tokens_;
}

at::Tensor EncodedImage::region(const at::Tensor& cells) {
  see();
  return model_.network.region(features_, cells.to(model_.device));
}

const ImageEmbedding& EncodedImage::embedding() {
  if (embedding_.embedding.defined()) return embedding_;
  const Stopwatch watch(milliseconds_);
  const at::Tensor pixels = sam_pixels(image_.rgb(), model_.facts.config.sam).to(model_.options());
  embedding_ = model_.network.sam_encoder(pixels.unsqueeze(0), interrupt_.tap());
  return embedding_;
}

RegionCells region_cells(const Region& region, const Image& image, const ClipConfig& config, bool vanish) {
  const cv::Mat mask = region.rasterize(image.width(), image.height());
  const auto side = static_cast<int>(config.image_size), cells = static_cast<int>(config.grid());
  RegionGrid grid = region_grid(mask, side, cells);
  RegionCells result;
  if (reaches_outside(region, image))
    result.warnings.push_back(text_of("A part of the region ", region.describe(),
                                      " lies outside the image of ", image.width(), " × ", image.height(),
                                      " pixels and was left out."));
  if (grid.vanished && !vanish) {
    grid.cells = centroid_cell(mask, side, cells);
    result.warnings.push_back(text_of("The region ", region.describe(),
                                      " is too small for the model's grid of ", cells, " × ", cells,
                                      " cells; the cell at its centre stands for it."));
  }
  result.cells = tensor_of(grid.cells);
  return result;
}

}  // namespace medplib::core
