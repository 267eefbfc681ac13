#include "train/region_part.h"

#include <ATen/ATen.h>
#include <opencv2/imgproc.hpp>

#include <cmath>
#include <utility>
#include <vector>

namespace medplib::core {
namespace {

// 255 in the largest piece; of several, in the first.
cv::Mat largest_piece(const cv::Mat& cells) {
  cv::Mat labels, stats, centroids;
  const int pieces = cv::connectedComponentsWithStats(cells, labels, stats, centroids, /*connectivity=*/4);
  int largest = 0;
  for (int piece = 1; piece < pieces; ++piece)
    if (largest == 0 || stats.at<int>(piece, cv::CC_STAT_AREA) > stats.at<int>(largest, cv::CC_STAT_AREA))
      largest = piece;
  return largest == 0 ? cv::Mat::zeros(cells.size(), CV_8UC1) : labels == largest;
}

// Grows from a random cell of the piece, each time to a random neighbour, until `count` are taken.
cv::Mat random_part(const cv::Mat& piece, std::size_t count, Random& random) {
  std::vector<cv::Point> inside;
  cv::findNonZero(piece, inside);
  cv::Mat part = cv::Mat::zeros(piece.size(), CV_8UC1), met = part.clone();
  std::vector<cv::Point> front{inside[random() % inside.size()]};
  met.at<unsigned char>(front.front()) = 1;
  const cv::Rect grid({}, piece.size());
  for (std::size_t taken = 0; taken < count; ++taken) {
    std::swap(front[random() % front.size()], front.back());
    const cv::Point cell = front.back();
    front.pop_back();
    part.at<unsigned char>(cell) = 255;
    for (const cv::Point step : {cv::Point(1, 0), cv::Point(-1, 0), cv::Point(0, 1), cv::Point(0, -1)}) {
      const cv::Point next = cell + step;
      if (!grid.contains(next) || piece.at<unsigned char>(next) == 0 || met.at<unsigned char>(next) != 0)
        continue;
      met.at<unsigned char>(next) = 1;
      front.push_back(next);
    }
  }
  return part;
}

}  // namespace

at::Tensor part_of_region(const at::Tensor& cells, RegionPart part, Random& random) {
  if (part == RegionPart::Whole) return cells;
  const at::Tensor own = cells.contiguous();
  const cv::Mat view(static_cast<int>(own.size(0)), static_cast<int>(own.size(1)), CV_8UC1, own.data_ptr());
  cv::Mat piece = largest_piece(view);
  const int size = cv::countNonZero(piece);
  if (size > 0 && part == RegionPart::Random)
    piece = random_part(piece, static_cast<std::size_t>(std::ceil(uniform(random, 0.2, 1.0) * size)), random);
  return at::from_blob(piece.data, own.sizes(), at::kByte).ne(0).to(at::kByte);
}

}  // namespace medplib::core
