#include "vision/encoded_image.h"

#include "base/stopwatch.h"
#include "vision/pixels.h"

#include <ATen/ATen.h>

namespace medplib::core {

EncodedImage::EncodedImage(const Network& network, const at::TensorOptions& options, Image image)
    : network_(network),
      options_(options),
      image_(std::move(image)),
      sam_box_(letterbox(image_.width(), image_.height(), static_cast<int>(network.config.sam.image_size))) {}

void EncodedImage::encode_with_clip(const Tap& tap) {
  if (tokens_.defined()) return;
  const Stopwatch watch(milliseconds_);
  const at::Tensor pixels = clip_pixels(image_.rgb(), network_.config.clip).to(options_);
  const at::Tensor features = network_.clip(pixels.unsqueeze(0), tap);
  features_ = features[0];
  tokens_ = network_.projector(features)[0];
}

const at::Tensor& EncodedImage::tokens(const Tap& tap) {
  encode_with_clip(tap);
  return tokens_;
}

at::Tensor EncodedImage::region(const at::Tensor& cells, const Tap& tap) {
  encode_with_clip(tap);
  if (!adapted_.defined()) adapted_ = network_.region.adapt(features_);
  return network_.region(adapted_, cells.to(options_.device()));
}

const ImageEmbedding& EncodedImage::embedding(const Tap& tap) {
  if (embedding_.embedding.defined()) return embedding_;
  const Stopwatch watch(milliseconds_);
  const at::Tensor pixels = sam_pixels(image_.rgb(), network_.config.sam).to(options_);
  embedding_ = network_.sam_encoder(pixels.unsqueeze(0), tap);
  return embedding_;
}

}  // namespace medplib::core
