#include "image/draw.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace medplib::core {

cv::Mat thickened(const cv::Mat& line, double thickness) {
  if (cv::countNonZero(line) == 0) return cv::Mat::zeros(line.size(), CV_8UC1);
  cv::Mat distance;
  cv::distanceTransform(line == 0, distance, cv::DIST_L2, cv::DIST_MASK_PRECISE);
  return (distance <= thickness / 2) / 255;
}

}  // namespace medplib::core
