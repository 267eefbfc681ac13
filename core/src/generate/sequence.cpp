#include "generate/sequence.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

namespace medplib::core {

std::int64_t rows_of(std::span<const Slot> slots) {
  return std::accumulate(slots.begin(), slots.end(), std::int64_t{0},
                         [](std::int64_t sum, const Slot& slot) { return sum + slot.rows; });
}

Sequence::Sequence(const LanguageConfig& config, std::int64_t capacity, const at::TensorOptions& options)
    : cache_(config, capacity, options) {
  for (std::int64_t i = 0; i < config.layers; ++i)
    if (config.moe.experts_in(i) > 0) experts_.push_back(config.moe.experts_in(i));
  taken_ = at::zeros({capacity, static_cast<std::int64_t>(experts_.size()), config.moe.top_k}, at::kShort);
}

std::size_t Sequence::common_with(std::span<const Slot> slots) const {
  const auto [mine, theirs] = std::ranges::mismatch(held_, slots);
  return static_cast<std::size_t>(mine - held_.begin());
}

void Sequence::truncate(std::size_t slots) {
  held_.resize(std::min(slots, held_.size()));
  cache_.length = rows_of(held_);
}

at::Tensor Sequence::extend(const Language& language, std::span<const Slot> slots,
                            const at::Tensor& embeddings, const Tap& tap) {
  const std::int64_t before = cache_.length;
  const LanguageOutput output = language.extend(embeddings.unsqueeze(0), cache_, tap);
  held_.insert(held_.end(), slots.begin(), slots.end());
  if (!output.routings.empty()) {
    std::vector<at::Tensor> chosen;
    chosen.reserve(output.routings.size());
    for (const Routing& routing : output.routings) chosen.push_back(routing.experts);
    // All layers at once: one copy from the device.
    taken_.narrow(0, before, cache_.length - before).copy_(at::stack(chosen, 1));
  }
  return output.hidden[0];
}

at::Tensor Sequence::taken_in(std::size_t layer) const {
  return taken_.narrow(0, 0, cache_.length).select(1, static_cast<std::int64_t>(layer));
}

ExpertCounts Sequence::routing() const {
  ExpertCounts counts;
  for (std::size_t layer = 0; layer < experts_.size(); ++layer)
    counts.push_back(count_experts(taken_in(layer), experts_[layer]));
  return counts;
}

RoutingByKind Sequence::routing(std::span<const TokenKind> kinds) const {
  std::vector<at::Tensor> chosen;
  for (std::size_t layer = 0; layer < experts_.size(); ++layer) chosen.push_back(taken_in(layer));
  return count_by_kind(kinds, chosen, experts_);
}

}  // namespace medplib::core
