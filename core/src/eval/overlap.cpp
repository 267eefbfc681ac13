#include <medplib/core/eval.h>

#include <opencv2/core.hpp>

namespace medplib::core {

double Overlap::iou() const {
  return in_union == 0 ? 1 : static_cast<double>(intersection) / static_cast<double>(in_union);
}

double Overlap::dice() const {  // |A| + |B| = |A ∩ B| + |A ∪ B|
  return in_union == 0 ? 1
                       : 2 * static_cast<double>(intersection) / static_cast<double>(intersection + in_union);
}

Overlap overlap_of(const cv::Mat& drawn, const cv::Mat& target) {
  if (drawn.type() != CV_8UC1 || target.type() != CV_8UC1 || drawn.size() != target.size())
    fail(ErrorCode::InvalidArgument, "A mask of ", drawn.cols, " × ", drawn.rows,
         " pixels cannot be compared with a target of ", target.cols, " × ", target.rows,
         "; both must be of the image's size, 8 bits a pixel.");
  const cv::Mat a = drawn != 0, b = target != 0;
  return {cv::countNonZero(a & b), cv::countNonZero(a | b)};
}

}  // namespace medplib::core
