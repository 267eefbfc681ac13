#include "train/split.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace medplib::core {
namespace {

template <class T>
std::vector<T> slice(const std::vector<T>& all, std::int64_t first, std::int64_t end) {
  return {all.begin() + first, all.begin() + end};
}

Batch images_of(const Batch& batch, std::int64_t first, std::int64_t end) {
  Batch part{.ids = slice(batch.ids, first, end),
             .clip_pixels = slice(batch.clip_pixels, first, end),
             .sam_pixels = slice(batch.sam_pixels, first, end),
             .sam_letterboxes = slice(batch.sam_letterboxes, first, end),
             .prompts = slice(batch.prompts, first, end),
             .region_cells = slice(batch.region_cells, first, end),
             .targets = {},
             .image_labels = slice(batch.image_labels, first, end)};
  for (MaskTarget target : batch.targets) {
    if (target.image < first || target.image >= end) continue;
    target.image -= first;
    part.targets.push_back(std::move(target));
  }
  return part;
}

}  // namespace

BatchCounts counts_of(const Batch& batch) {
  BatchCounts counts{.images = static_cast<std::int64_t>(batch.prompts.size()),
                     .targets = static_cast<std::int64_t>(batch.targets.size())};
  for (const auto& prompt : batch.prompts)
    counts.tokens += std::ranges::count_if(prompt.labels, [](TokenId id) { return id != kIgnoredLabel; });
  for (const auto& target : batch.targets) counts.shown += target.inside.any().item<bool>() ? 1 : 0;
  return counts;
}

std::vector<Batch> split(const Batch& batch, std::int64_t parts) {
  const auto images = static_cast<std::int64_t>(batch.prompts.size());
  const std::int64_t count = std::clamp<std::int64_t>(parts, 1, std::max<std::int64_t>(images, 1));
  std::vector<Batch> all;
  for (std::int64_t i = 0; i < count; ++i)
    all.push_back(images_of(batch, i * images / count, (i + 1) * images / count));
  return all;
}

}  // namespace medplib::core
