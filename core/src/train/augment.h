// Random views of an image and its masks: what a camera, a scanner or another patient could have changed.
#pragma once

#include <opencv2/core/mat.hpp>

#include <random>
#include <vector>

namespace medplib::core {

using Random = std::mt19937_64;

double uniform(Random& random, double low, double high);

struct View {
  cv::Mat rgb;                 // CV_8UC3
  std::vector<cv::Mat> masks;  // CV_8UC1, 0 and 1
};

// Scale ±25 %, shift ±8 %, rotation ±15°, gamma, contrast, noise; with `free_orientation` any rotation and
// mirroring, for pictures that have no up, left or right. Half of them are cut to other proportions. What is
// coloured varies more, as cameras do: scale ±50 %, saturation, hue, tint and lighting, a square around the
// whole picture, a round field with black around it.
View augment(const View& view, bool free_orientation, Random& random);

// A view in which something is left of each mask: what is said about the picture stays true. After a few that
// lost one, the picture as it is.
View augment_with_all_masks(const View& view, bool free_orientation, Random& random);

}  // namespace medplib::core
