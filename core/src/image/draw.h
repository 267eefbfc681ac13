// Lines of an exact width: OpenCV's own thick lines are up to two pixels too wide.
#pragma once

#include <opencv2/core/mat.hpp>

namespace medplib::core {

// `line`: CV_8UC1, not 0 on a line of one pixel. Returns CV_8UC1, 1 on every pixel within thickness / 2 of
// it.
cv::Mat thickened(const cv::Mat& line, double thickness);

}  // namespace medplib::core
