// From pictures to what the two image towers take (docs/model.md, Images).
#pragma once

#include "nn/config.h"

#include <ATen/core/Tensor.h>
#include <opencv2/core/mat.hpp>

namespace medplib::core {

// rgb: H × W, CV_8UC3, red first. Fitted into the tower's square, padded and normalised: (3, S, S), float32.
at::Tensor clip_pixels(const cv::Mat& rgb, const ClipConfig& config);
at::Tensor sam_pixels(const cv::Mat& rgb, const SamConfig& config);

// A copy of a continuous or strided CV_8UC1 or CV_32FC1 picture: (H, W), uint8 or float32. And back, float32.
at::Tensor tensor_of(const cv::Mat& picture);
cv::Mat picture_of(const at::Tensor& plane);

}  // namespace medplib::core
