#include "generate/sequence.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

namespace medplib::core {

namespace {

std::int64_t rows_of(std::span<const Slot> slots) {
  return std::accumulate(slots.begin(), slots.end(), std::int64_t{0},
                         [](std::int64_t sum, const Slot& slot) { return sum + slot.rows; });
}

}  // namespace

Sequence::Sequence(const LanguageConfig& config, std::int64_t capacity, const at::TensorOptions& options)
    : cache_(config, capacity, options) {
  for (std::int64_t i = 0; i < config.layers; ++i)
    if (config.moe.experts_in(i) > 0) experts_.push_back(config.moe.experts_in(i));
}

std::size_t Sequence::common_with(std::span<const Slot> slots) const {
  const auto [mine, theirs] = std::ranges::mismatch(held_, slots);
  return static_cast<std::size_t>(mine - held_.begin());
}

void Sequence::truncate(std::size_t slots) {
  held_.resize(std::min(slots, held_.size()));
  cache_.length = rows_of(held_);
  taken_.resize(static_cast<std::size_t>(cache_.length));
}

at::Tensor Sequence::extend(const Language& language, std::span<const Slot> slots,
                            const at::Tensor& embeddings, const Tap& tap) {
  const LanguageOutput output = language.extend(embeddings.unsqueeze(0), cache_, tap);
  held_.insert(held_.end(), slots.begin(), slots.end());
  remember(output.routings);
  return output.hidden[0];
}

void Sequence::remember(const std::vector<Routing>& routings) {
  const auto rows = static_cast<std::size_t>(cache_.length);
  std::size_t row = taken_.size();
  taken_.resize(rows, std::vector<std::vector<std::int64_t>>(experts_.size()));
  if (routings.empty()) return;
  std::vector<at::Tensor> chosen;
  for (const Routing& routing : routings) chosen.push_back(routing.experts);
  const at::Tensor all = at::stack(chosen).cpu();  // (MoE layers, new rows, k): one copy from the device
  const auto values = all.accessor<std::int64_t, 3>();
  for (std::int64_t i = 0; row < rows; ++row, ++i)
    for (std::int64_t layer = 0; layer < all.size(0); ++layer)
      for (std::int64_t k = 0; k < all.size(2); ++k)
        taken_[row][static_cast<std::size_t>(layer)].push_back(values[layer][i][k]);
}

std::vector<std::vector<std::int64_t>> Sequence::routing() const {
  std::vector<std::vector<std::int64_t>> counts;
  for (const std::int64_t experts : experts_) counts.emplace_back(static_cast<std::size_t>(experts), 0);
  for (const auto& row : taken_)
    for (std::size_t layer = 0; layer < row.size(); ++layer)
      for (const std::int64_t expert : row[layer]) ++counts[layer][static_cast<std::size_t>(expert)];
  return counts;
}

}  // namespace medplib::core
