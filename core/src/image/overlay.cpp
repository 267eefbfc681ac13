#include "image/draw.h"

#include <medplib/core/error.h>
#include <medplib/core/mask.h>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace medplib::core {

namespace {

constexpr double kTint = 0.45;

// Okabe and Ito's palette, told apart with every kind of colour vision; black is left out.
const std::array<cv::Scalar, 7> kColours{
    cv::Scalar(230, 159, 0), cv::Scalar(86, 180, 233),  cv::Scalar(0, 158, 115), cv::Scalar(240, 228, 66),
    cv::Scalar(213, 94, 0),  cv::Scalar(204, 121, 167), cv::Scalar(0, 114, 178)};

void tint(cv::Mat& picture, const cv::Mat& inside, const cv::Scalar& colour) {
  cv::Mat mixed;
  cv::addWeighted(picture, 1 - kTint, cv::Mat(picture.size(), picture.type(), colour), kTint, 0, mixed);
  mixed.copyTo(picture, inside);
}

void outline(cv::Mat& picture, const cv::Mat& inside, const cv::Scalar& colour, int thickness) {
  std::vector<std::vector<cv::Point>> contours;
  cv::findContours(inside, contours, cv::RETR_CCOMP, cv::CHAIN_APPROX_NONE);
  cv::Mat line = cv::Mat::zeros(inside.size(), CV_8UC1);
  cv::drawContours(line, contours, -1, cv::Scalar(1));
  picture.setTo(colour, thickened(line, thickness));
}

void check_size(const cv::Mat& mask, const cv::Mat& picture) {
  if (mask.size() != picture.size())
    fail(ErrorCode::InvalidArgument, "A mask of ", mask.cols, " × ", mask.rows,
         " pixels cannot be drawn on an image of ", picture.cols, " × ", picture.rows, ".");
}

}  // namespace

std::string overlay_png(const Image& image, const std::vector<Mask>& masks,
                        const std::vector<cv::Mat>& pointed_at) {
  cv::Mat picture = image.rgb().clone();
  // One pixel below 750, two below 1250 and so on: the line stays visible when a large picture is shown
  // small.
  const int line = std::max(1, static_cast<int>(std::lround(std::max(picture.cols, picture.rows) / 500.0)));
  for (std::size_t i = 0; i < masks.size(); ++i) {
    check_size(masks[i].logits(), picture);
    const cv::Mat inside = masks[i].binary();
    const cv::Scalar& colour = kColours[i % kColours.size()];
    tint(picture, inside, colour);
    outline(picture, inside, colour, line);
  }
  for (const cv::Mat& inside : pointed_at) {
    check_size(inside, picture);
    outline(picture, inside, cv::Scalar(20, 20, 20), line + 2);
    outline(picture, inside, cv::Scalar::all(255), line);
  }
  return encode_png(picture);
}

}  // namespace medplib::core
