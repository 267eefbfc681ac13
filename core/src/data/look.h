// What a picture looks like, in few bits: pictures that differ by their size, compression or brightness alone
// look the same.
#pragma once

#include <opencv2/core/mat.hpp>

#include <array>
#include <cstdint>

namespace medplib::core {

// Of each of 16 × 16 places, whether it gets brighter to the right.
using Look = std::array<std::uint64_t, 4>;

// rgb: H × W, CV_8UC3.
Look look_of(const cv::Mat& rgb);

bool look_alike(const Look& one, const Look& other);

}  // namespace medplib::core
