#include "nn/rotary.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace medplib::core {
namespace {

// Of a table: 4 MB, or 8192 positions of the published model. Others are computed when they are met.
constexpr std::int64_t kMostTabled = std::int64_t{1} << 20;

// positions (n), frequencies (d / 2), both on the CPU → cos and sin (n, d), float32.
RotaryRows rotary_rows(const at::Tensor& positions, const at::Tensor& frequencies) {
  const std::int64_t count = positions.numel(), half = frequencies.numel();
  const RotaryRows rows{at::empty({count, 2 * half}, at::kFloat), at::empty({count, 2 * half}, at::kFloat)};
  const auto* position = positions.const_data_ptr<std::int64_t>();
  const auto* frequency = frequencies.const_data_ptr<float>();
  auto *cos = rows.cos.data_ptr<float>(), *sin = rows.sin.data_ptr<float>();
  for (std::int64_t i = 0; i < count; ++i, cos += 2 * half, sin += 2 * half)
    for (std::int64_t k = 0; k < half; ++k) {
      // The angle is rounded as in the published code; what is made of it is as exact as float32 can be.
      const float angle = static_cast<float>(position[i]) * frequency[k];
      cos[k] = cos[half + k] = static_cast<float>(std::cos(static_cast<double>(angle)));
      sin[k] = sin[half + k] = static_cast<float>(std::sin(static_cast<double>(angle)));
    }
  return rows;
}

}  // namespace

RotaryTable::RotaryTable(const LanguageConfig& config, c10::Device device) {
  const std::int64_t dim = config.hidden / config.heads;
  const at::Tensor even = at::arange(0, dim, 2, at::kFloat);
  frequencies_ = at::pow(config.rope_theta, even / static_cast<double>(dim)).reciprocal();
  const RotaryRows rows =
      rotary_rows(at::arange(std::min(config.max_positions, kMostTabled / dim), at::kLong), frequencies_);
  cos_ = rows.cos.to(device);
  sin_ = rows.sin.to(device);
}

RotaryRows RotaryTable::at_positions(const at::Tensor& positions, const at::Tensor& like) const {
  const at::Tensor each = positions.flatten().cpu();
  const bool tabled = (each < cos_.size(0)).all().item<bool>();
  const RotaryRows rows = tabled ? RotaryRows{cos_.index_select(0, each.to(cos_.device())),
                                              sin_.index_select(0, each.to(sin_.device()))}
                                 : rotary_rows(each, frequencies_);
  const auto shaped = [&](const at::Tensor& t) {
    return t.view({positions.size(0), 1, positions.size(1), t.size(1)}).to(like.options());
  };
  return {shaped(rows.cos), shaped(rows.sin)};
}

}  // namespace medplib::core
