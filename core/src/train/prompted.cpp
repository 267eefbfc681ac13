#include "train/prompted.h"

#include "vision/mask_geometry.h"
#include "vision/pixels.h"

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

}  // namespace

PromptPlan PromptPlan::draw(Random& random) {
  const std::uint64_t eighth = random() % 8;
  if (eighth < 4) return {Kind::Box, 0};
  if (eighth < 7) return {Kind::Corrections, 1 + random() % kMostCorrections};
  return {Kind::Click, 0};
}

SimulatedUser::SimulatedUser(PromptPlan::Kind kind, at::Tensor inside, const Letterbox& letterbox,
                             std::uint64_t seed)
    : inside_(std::move(inside)), letterbox_(letterbox), random_(seed) {
  if (kind == PromptPlan::Kind::Box) prompt_.box = box_around(inside_, letterbox_, random_);
  if (kind == PromptPlan::Kind::Click) click(inside_ > 0, 1);
}

void SimulatedUser::correct(const at::Tensor& drawn, const at::Tensor& low) {
  const at::Tensor missed = (drawn <= 0).logical_and(inside_ > 0);
  const at::Tensor extra = (drawn > 0).logical_and(inside_ == 0);
  const auto missing = missed.sum().item<std::int64_t>(), surplus = extra.sum().item<std::int64_t>();
  const auto all = static_cast<double>(missing + surplus);
  if (missing + surplus == 0)
    click(inside_ > 0, 1);
  else if (uniform(random_, 0, all) < static_cast<double>(missing))
    click(missed, 1);
  else
    click(extra, 0);
  prompt_.mask = low;
}

void SimulatedUser::click(const at::Tensor& where, std::int64_t label) {
  const at::Tensor point = click_in(where, letterbox_, random_).unsqueeze(0);
  const at::Tensor labels = at::tensor({label}, at::kLong);
  prompt_.points = prompt_.points.defined() ? at::cat({prompt_.points, point}) : point;
  prompt_.labels = prompt_.labels.defined() ? at::cat({prompt_.labels, labels}) : labels;
}

}  // namespace medplib::core
