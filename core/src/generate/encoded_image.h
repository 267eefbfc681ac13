// An image as the model sees it. Each part is computed when it is first needed, and kept.
#pragma once

#include "generate/interrupt.h"
#include "generate/loaded_model.h"
#include "image/geometry.h"

#include <medplib/core/image.h>
#include <medplib/core/region.h>

namespace medplib::core {

// A region on the grid of image cells that the language model sees.
struct RegionCells {
  at::Tensor cells;  // (grid, grid) uint8, ≠ 0 inside
  std::vector<std::string> warnings;
};

class EncodedImage {
 public:
  EncodedImage(const LoadedModel& model, Image image, const Interrupt& interrupt);

  const Image& image() const { return image_; }
  const Letterbox& sam_box() const { return sam_box_; }

  const at::Tensor& tokens();                            // (image tokens, hidden)
  const ImageEmbedding& embedding();                     // for the mask decoder
  at::Tensor region(const at::Tensor& cells);            // (hidden)
  double milliseconds() const { return milliseconds_; }  // spent on encoding so far

 private:
  void see();  // CLIP

  const LoadedModel& model_;
  const Interrupt& interrupt_;
  Image image_;
  Letterbox sam_box_;
  at::Tensor features_, tokens_;
  ImageEmbedding embedding_;
  double milliseconds_ = 0;
};

// A region that is too small for the grid: the cell of its centroid stands for it, with a warning; `vanish`:
// no cell, as in the published demo. Errors: InvalidArgument (outside the image).
RegionCells region_cells(const Region& region, const Image& image, const ClipConfig& config, bool vanish);

}  // namespace medplib::core
