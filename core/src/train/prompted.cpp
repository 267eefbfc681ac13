#include "train/prompted.h"

#include "generate/mask_geometry.h"
#include "generate/pixels.h"

#include <ATen/ATen.h>
#include <opencv2/imgproc.hpp>

#include <vector>

namespace medplib::core {
namespace {

constexpr std::uint64_t kMostCorrections = 3;

at::Tensor box_around(const at::Tensor& inside, const Letterbox& letterbox, Random& random) {
  const at::Tensor places = at::nonzero(inside);  // (n, 2): y, x
  const at::Tensor low = std::get<0>(places.min(0)), high = std::get<0>(places.max(0));
  const auto side = [&](const at::Tensor& corner, std::int64_t axis, double sign) {
    const double size =
        static_cast<double>(high[axis].item<std::int64_t>() - low[axis].item<std::int64_t>() + 1);
    return static_cast<double>(corner[axis].item<std::int64_t>()) +
           sign * uniform(random, -0.04, 0.08) * size;
  };
  const Place first = place_in_input(side(low, 1, -1), side(low, 0, -1), letterbox);
  const Place last = place_in_input(side(high, 1, 1), side(high, 0, 1), letterbox);
  return at::tensor({first.x, first.y, last.x, last.y}, at::kFloat);
}

// A place well inside what is true in `where` (H, W): at least half as far from its edge as any; (x, y).
at::Tensor click_in(const at::Tensor& where, const Letterbox& letterbox, Random& random) {
  cv::Mat area = picture_of(where.to(at::kFloat)) > 0, depth;
  cv::copyMakeBorder(area, area, 1, 1, 1, 1, cv::BORDER_CONSTANT, 0);  // the picture's border is an edge
  cv::distanceTransform(area, depth, cv::DIST_L2, cv::DIST_MASK_3);
  double deepest = 0;
  cv::minMaxLoc(depth, nullptr, &deepest);
  std::vector<cv::Point> places;
  cv::findNonZero(depth >= deepest / 2, places);
  const cv::Point place = places[random() % places.size()] - cv::Point(1, 1);
  const Place point = place_in_input(place.x, place.y, letterbox);
  return at::tensor({point.x, point.y}, at::kFloat);
}

void add_click(MaskPrompt& prompt, const at::Tensor& place, std::int64_t label) {
  const at::Tensor point = place.unsqueeze(0), labels = at::tensor({label}, at::kLong);
  prompt.points = prompt.points.defined() ? at::cat({prompt.points, point}) : point;
  prompt.labels = prompt.labels.defined() ? at::cat({prompt.labels, labels}) : labels;
}

}  // namespace

PromptPlan PromptPlan::draw(Random& random) {
  const std::uint64_t eighth = random() % 8;
  if (eighth < 4) return {Kind::Box, 0};
  if (eighth < 7) return {Kind::Corrections, 1 + random() % kMostCorrections};
  return {Kind::Click, 0};
}

MaskPrompt simulate_box(const at::Tensor& inside, const Letterbox& letterbox, Random& random) {
  MaskPrompt prompt;
  prompt.box = box_around(inside, letterbox, random);
  return prompt;
}

MaskPrompt simulate_click(const at::Tensor& inside, const Letterbox& letterbox, Random& random) {
  MaskPrompt prompt;
  add_click(prompt, click_in(inside > 0, letterbox, random), 1);
  return prompt;
}

void add_correction(MaskPrompt& prompt, const at::Tensor& inside, const at::Tensor& drawn,
                    const Letterbox& letterbox, Random& random) {
  const at::Tensor missed = (drawn <= 0).logical_and(inside > 0);
  const at::Tensor extra = (drawn > 0).logical_and(inside == 0);
  const auto missing = missed.sum().item<std::int64_t>(), surplus = extra.sum().item<std::int64_t>();
  if (missing + surplus == 0) {
    add_click(prompt, click_in(inside > 0, letterbox, random), 1);
    return;
  }
  const bool add = uniform(random, 0, static_cast<double>(missing + surplus)) < static_cast<double>(missing);
  add_click(prompt, click_in(add ? missed : extra, letterbox, random), add ? 1 : 0);
}

}  // namespace medplib::core
