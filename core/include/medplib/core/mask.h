// Mask: logits at image size, and their conversion to common formats.
#pragma once

#include <medplib/core/image.h>

#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace medplib::core {

// COCO's run-length encoding: column-major, starting with a run of zeros, counts as COCO's ASCII string.
struct RunLengths {
  int height = 0, width = 0;
  std::string counts;
};

class Region;

// A part of a mask: its outline and those of its holes, corners in pixel coordinates; holes turn the other
// way.
struct Outline {
  std::vector<cv::Point> outer;
  std::vector<std::vector<cv::Point>> holes;
};

class Mask {
 public:
  // `logits`: H × W, CV_32FC1, at image size. Errors: InvalidArgument, also for a threshold outside 0 … 1.
  Mask(cv::Mat logits, std::string label, double threshold);

  // Makes a mask of a binary picture (CV_8UC1, any value ≥ 1 is inside): logits ± 10, no label, threshold
  // 0.5. Errors: InvalidArgument.
  static Mask from_binary(const cv::Mat& inside);
  // The same of what lies in a region of an image of this size, with the region's warnings. Errors: as
  // Region::rasterize.
  static Mask from_region(const Region& region, int width, int height);

  int width() const { return logits_.cols; }
  int height() const { return logits_.rows; }
  const cv::Mat& logits() const { return logits_; }    // before the sigmoid
  const std::string& label() const { return label_; }  // the phrase asked for; may be empty
  double threshold() const { return threshold_; }      // a pixel is inside when sigmoid(logit) > threshold
  bool by_hand() const { return by_hand_; }            // made by from_binary: the threshold says nothing

  cv::Mat binary() const;     // H × W, CV_8UC1, 1 inside, 0 outside
  std::int64_t area() const;  // pixels inside
  cv::Rect box() const;       // the smallest around what is inside; empty when nothing is
  RunLengths run_lengths() const;
  // Through the centres of the outermost pixels inside. The regions polygon(outer, holes) together are the
  // mask again, to the pixel, but for parts of a pixel or a straight line one pixel wide: an outline of one
  // or two corners is left out.
  std::vector<Outline> outlines() const;
  std::string png() const;  // 8-bit grey PNG of image size, 0 and 255

  std::optional<double>
      presence;  // probability that the structure is there at all; uncalibrated; absent in refine
  // The decoder's own estimate of its IoU, uncalibrated; absent where the model was never taught to estimate
  // it, and in a mask by hand.
  std::optional<double> iou_estimate;
  std::vector<float> embedding;  // of the <SEG> that it was drawn from; empty in refine
  std::size_t image = 0;         // which of the session's images it is of
  // Whole sentences, of refine, predict and from_region; those of an answer are the answer's.
  std::vector<std::string> warnings;

 private:
  cv::Mat logits_;
  std::string label_;
  double threshold_;
  bool by_hand_ = false;
};

// One JSON object, such as stand in that of an answer.
std::string mask_json(const Mask& mask);

// Encodes rows of 8-bit grey (CV_8UC1) or RGB (CV_8UC3) as a PNG file.
std::string encode_png(const cv::Mat& pixels);

// Returns the image with each mask tinted in its own colour and outlined, as a PNG file; `pointed_at` regions
// (rasterized, same size) get a white outline.
std::string overlay_png(const Image& image, const std::vector<Mask>& masks,
                        const std::vector<cv::Mat>& pointed_at = {});

}  // namespace medplib::core
