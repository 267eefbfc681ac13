#include "train/prompted.h"

#include "generate/mask_geometry.h"
#include "generate/pixels.h"

#include <ATen/ATen.h>
#include <opencv2/imgproc.hpp>

#include <utility>
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

// A place well inside of what is true in `where` (H, W): at least half as far from its edge as any; (x, y).
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

// A click where `drawn` isn't `inside`, and the truth there; where nothing is wrong, one that confirms what
// is.
std::pair<at::Tensor, std::int64_t> correcting_click(const at::Tensor& inside, const at::Tensor& drawn,
                                                     const Letterbox& letterbox, Random& random) {
  const at::Tensor wrong = (drawn > 0).logical_xor(inside > 0);
  if (!wrong.any().item<bool>()) return {click_in(inside > 0, letterbox, random), 1};
  const at::Tensor missed = wrong.logical_and(inside > 0), extra = wrong.logical_and(inside == 0);
  const auto all = wrong.sum().item<std::int64_t>(), missing = missed.sum().item<std::int64_t>();
  const bool add = uniform(random, 0, static_cast<double>(all)) < static_cast<double>(missing);
  return {click_in(add ? missed : extra, letterbox, random), add ? 1 : 0};
}

}  // namespace

PromptPlan PromptPlan::draw(Random& random) {
  const std::uint64_t eighth = random() % 8;
  if (eighth < 4) return {PromptKind::Box, 0};
  if (eighth < 7) return {PromptKind::Correction, 1 + random() % kMostCorrections};
  return {PromptKind::Click, 1};
}

MaskPrompt simulate_prompt(const PromptPlan& plan, const at::Tensor& inside, const at::Tensor& drawn,
                           const Letterbox& letterbox, Random& random) {
  MaskPrompt prompt;
  if (plan.kind == PromptKind::Box) {
    prompt.box = box_around(inside, letterbox, random);
    return prompt;
  }
  std::vector<at::Tensor> points;
  std::vector<std::int64_t> labels;
  for (std::uint64_t i = 0; i < plan.clicks; ++i) {
    const auto [point, label] = plan.kind == PromptKind::Click
                                    ? std::pair(click_in(inside > 0, letterbox, random), std::int64_t{1})
                                    : correcting_click(inside, drawn, letterbox, random);
    points.push_back(point);
    labels.push_back(label);
  }
  prompt.points = at::stack(points);
  prompt.labels = at::tensor(labels, at::kLong);
  return prompt;
}

}  // namespace medplib::core
