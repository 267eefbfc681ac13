#include "nn/region.h"

#include <ATen/ATen.h>

namespace medplib::core {

RegionPooling::RegionPooling(const Scope& scope, const ModelConfig& config)
    : adapter_(scope, config.clip.hidden, config.language.hidden) {}

at::Tensor RegionPooling::operator()(const at::Tensor& features, const at::Tensor& cells) const {
  const std::int64_t grid = cells.size(0);
  const at::Tensor adapted = adapter_(features);  // (grid², C)
  const at::Tensor inside = at::nonzero(cells);   // (n, 2): row, column
  if (inside.size(0) == 0) return at::zeros({adapted.size(1)}, adapted.options());
  const at::Tensor map = adapted.t().reshape({1, adapted.size(1), grid, grid});
  // x = column, y = row, in [−1, 1] with the corners at the outermost cells' centres; a cell stands at i /
  // grid, without half a cell.
  const at::Tensor at_cells = inside.to(at::kFloat) / static_cast<double>(grid) * 2 - 1;
  const at::Tensor where = at_cells.flip(1).to(map.scalar_type()).view({1, 1, -1, 2}).to(map.device());
  constexpr std::int64_t bilinear = 0, zero_padding = 0;
  const at::Tensor sampled = at::grid_sampler(map, where, bilinear, zero_padding, /*align_corners=*/true);
  return sampled.view({adapted.size(1), -1}).mean(1);  // (1, C, 1, n) → (C)
}

}  // namespace medplib::core
