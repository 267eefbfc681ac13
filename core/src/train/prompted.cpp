#include "train/prompted.h"

#include "generate/mask_geometry.h"

#include <ATen/ATen.h>

namespace medplib::core {
namespace {

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

// One of the places where `where` is true; (x, y).
at::Tensor click_in(const at::Tensor& where, const Letterbox& letterbox, Random& random) {
  const at::Tensor places = at::nonzero(where);
  const auto pick = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(places.size(0)));
  const at::Tensor place = places[pick];
  const Place point = place_in_input(static_cast<double>(place[1].item<std::int64_t>()),
                                     static_cast<double>(place[0].item<std::int64_t>()), letterbox);
  return at::tensor({point.x, point.y}, at::kFloat);
}

}  // namespace

MaskPrompt simulate_prompt(PromptKind kind, const at::Tensor& inside, const at::Tensor& drawn,
                           const Letterbox& letterbox, Random& random) {
  MaskPrompt prompt;
  if (kind == PromptKind::Box) {
    prompt.box = box_around(inside, letterbox, random);
    return prompt;
  }
  const std::int64_t clicks = kind == PromptKind::Click ? 1 : 2;
  std::vector<at::Tensor> points;
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < clicks; ++i) {
    const bool wanted = kind == PromptKind::Click || i == 0;
    at::Tensor where = wanted ? inside > 0 : inside == 0;
    if (kind == PromptKind::Correction) {
      const at::Tensor wrong = where.logical_and((drawn > 0) != wanted);
      if (wrong.any().item<bool>()) where = wrong;  // nothing wrong: any place confirms it
    }
    if (!where.any().item<bool>()) where = inside > 0;
    points.push_back(click_in(where, letterbox, random));
    labels.push_back(wanted ? 1 : 0);
  }
  prompt.points = at::stack(points);
  prompt.labels = at::tensor(labels, at::kLong);
  return prompt;
}

}  // namespace medplib::core
