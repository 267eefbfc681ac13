#include "vision/pixels.h"

#include "image/geometry.h"

#include <ATen/ATen.h>

#include <array>

namespace medplib::core {

namespace {

using Colour = std::array<float, 3>;

at::Tensor per_channel(const Colour& colour) {
  return at::tensor(at::ArrayRef<float>(colour), at::kFloat).view({3, 1, 1});
}

// H × W, CV_8UC3 → (3, H, W), float32, 0 … 255.
at::Tensor planes(const cv::Mat& rgb) {
  const cv::Mat whole = rgb.isContinuous() ? rgb : rgb.clone();
  return at::from_blob(whole.data, {whole.rows, whole.cols, 3}, at::kByte).to(at::kFloat).permute({2, 0, 1});
}

}  // namespace

at::Tensor clip_pixels(const cv::Mat& rgb, const ClipConfig& config) {
  constexpr Colour mean = {0.48145466F, 0.4578275F, 0.40821073F},
                   deviation = {0.26862954F, 0.26130258F, 0.27577711F};
  const cv::Mat square = clip_square(rgb, static_cast<int>(config.image_size));
  return ((planes(square) / 255 - per_channel(mean)) / per_channel(deviation)).contiguous();
}

at::Tensor sam_pixels(const cv::Mat& rgb, const SamConfig& config) {
  constexpr Colour mean = {123.675F, 116.28F, 103.53F}, deviation = {58.395F, 57.12F, 57.375F};
  const Letterbox box = letterbox(rgb.cols, rgb.rows, static_cast<int>(config.image_size));
  const cv::Mat resized = sam_resized(rgb, box.target);
  const at::Tensor normalised = (planes(resized) - per_channel(mean)) / per_channel(deviation);
  at::Tensor square =
      at::zeros({3, box.target, box.target}, at::kFloat);  // the padding is zero after normalising
  square.narrow(1, box.top(), resized.rows).narrow(2, box.left(), resized.cols).copy_(normalised);
  return square;
}

at::Tensor tensor_of(const cv::Mat& picture) {
  const cv::Mat whole = picture.isContinuous() ? picture : picture.clone();
  const auto type = whole.type() == CV_8UC1 ? at::kByte : at::kFloat;
  return at::from_blob(whole.data, {whole.rows, whole.cols}, type).clone();
}

cv::Mat picture_of(const at::Tensor& plane) {
  cv::Mat picture(static_cast<int>(plane.size(0)), static_cast<int>(plane.size(1)), CV_32FC1);
  at::from_blob(picture.data, plane.sizes(), at::kFloat).copy_(plane);
  return picture;
}

}  // namespace medplib::core
