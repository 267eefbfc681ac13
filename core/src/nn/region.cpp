#include "nn/region.h"

#include <ATen/ATen.h>

namespace medplib::core {

RegionPooling::RegionPooling(const Scope& scope, const ModelConfig& config)
    : adapter_(scope, config.clip.hidden, config.language.hidden) {}

at::Tensor RegionPooling::operator()(const at::Tensor& adapted, const at::Tensor& cells) const {
  const std::int64_t grid = cells.size(0);
  const at::Tensor inside = at::nonzero(cells);  // (n, 2): row, column
  if (inside.size(0) == 0) return at::zeros({adapted.size(1)}, adapted.options());
  // In float32: bfloat16 would round the places.
  const at::Tensor map = adapted.t().reshape({1, adapted.size(1), grid, grid}).to(at::kFloat);
  // x = column, y = row, in [−1, 1] with the corners at the outermost cells' centres; a cell stands at i /
  // grid, without half a cell.
  const at::Tensor where =
      (inside.flip(1).to(at::kFloat) / static_cast<double>(grid) * 2 - 1).view({1, 1, -1, 2});
  constexpr std::int64_t bilinear = 0, zero_padding = 0;
  const at::Tensor sampled =
      at::grid_sampler(map, where.to(map.device()), bilinear, zero_padding, /*align_corners=*/true);
  return sampled.view({adapted.size(1), -1}).mean(1).to(adapted.scalar_type());  // (1, C, 1, n) → (C)
}

}  // namespace medplib::core
