// An image as the model sees it. Each part is computed when it is first needed, and kept.
#pragma once

#include "image/geometry.h"
#include "nn/network.h"

#include <medplib/core/image.h>

namespace medplib::core {

class EncodedImage {
 public:
  // `network` outlives it; `options`: the type and device that the network computes in.
  EncodedImage(const Network& network, const at::TensorOptions& options, Image image);

  const Image& image() const { return image_; }
  const Letterbox& sam_box() const { return sam_box_; }

  // `tap` sees the layers of a tower that has to run for it, and may stop it.
  const at::Tensor& tokens(const Tap& tap);                    // (image tokens, hidden)
  const ImageEmbedding& embedding(const Tap& tap);             // for the mask decoder
  at::Tensor region(const at::Tensor& cells, const Tap& tap);  // (grid, grid) → (hidden)
  double milliseconds() const { return milliseconds_; }        // spent on encoding so far

 private:
  void encode_with_clip(const Tap& tap);

  const Network& network_;
  at::TensorOptions options_;
  Image image_;
  Letterbox sam_box_;
  at::Tensor features_, tokens_, adapted_;
  ImageEmbedding embedding_;
  double milliseconds_ = 0;
};

}  // namespace medplib::core
