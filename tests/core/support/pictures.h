// Comparing pictures.
#pragma once

#include <opencv2/core.hpp>

namespace medplib::test {

// How many values differ; −1 when the shapes do.
inline int differences(const cv::Mat& left, const cv::Mat& right) {
  if (left.size() != right.size() || left.type() != right.type()) return -1;
  cv::Mat unequal;
  cv::compare(left.reshape(1), right.reshape(1), unequal, cv::CMP_NE);
  return cv::countNonZero(unequal);
}

}  // namespace medplib::test
