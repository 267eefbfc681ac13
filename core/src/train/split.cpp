#include "train/split.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace medplib::core {
namespace {

template <class T>
std::vector<T> slice(const std::vector<T>& all, std::int64_t first, std::int64_t end) {
  return {all.begin() + first, all.begin() + end};
}

// The prompts first … end − 1, with what they are about.
Batch prompts_of(const Batch& batch, std::int64_t first, std::int64_t end) {
  const auto image_of = [&](std::int64_t prompt) {
    return prompt < std::ssize(batch.prompts) ? batch.first_image[static_cast<std::size_t>(prompt)]
                                              : std::ssize(batch.clip_pixels);
  };
  const std::int64_t from = image_of(first), to = image_of(end);
  Batch part{.clip_pixels = slice(batch.clip_pixels, from, to),
             .sam_pixels = slice(batch.sam_pixels, from, to),
             .sam_letterboxes = slice(batch.sam_letterboxes, from, to),
             .image_labels = slice(batch.image_labels, from, to),
             .ids = slice(batch.ids, first, end),
             .prompts = slice(batch.prompts, first, end),
             .first_image = slice(batch.first_image, first, end)};
  std::size_t regions_before = 0;
  for (BatchRegion region : batch.regions) {
    if (region.image < from) ++regions_before;
    if (region.image < from || region.image >= to) continue;
    region.image -= from;
    part.regions.push_back(std::move(region));
  }
  for (PackedPrompt& prompt : part.prompts) {
    for (std::size_t& image : prompt.images) image -= static_cast<std::size_t>(from);
    for (std::size_t& region : prompt.regions) region -= regions_before;
  }
  for (std::int64_t& image : part.first_image) image -= from;
  for (MaskTarget target : batch.targets) {
    if (target.image < from || target.image >= to) continue;
    target.image -= from;
    part.targets.push_back(std::move(target));
  }
  return part;
}

}  // namespace

BatchCounts counts_of(const Batch& batch) {
  BatchCounts counts{.images = std::ssize(batch.clip_pixels),
                     .targets = static_cast<std::int64_t>(batch.targets.size())};
  for (const auto& prompt : batch.prompts)
    counts.tokens += std::ranges::count_if(prompt.labels, [](TokenId id) { return id != kIgnoredLabel; });
  for (const auto& target : batch.targets) counts.nonempty += target.inside.any().item<bool>() ? 1 : 0;
  return counts;
}

std::vector<Batch> split(const Batch& batch, std::int64_t parts) {
  const std::int64_t prompts = std::ssize(batch.prompts);
  const std::int64_t count = std::clamp<std::int64_t>(parts, 1, std::max<std::int64_t>(prompts, 1));
  std::vector<Batch> all;
  for (std::int64_t i = 0; i < count; ++i)
    all.push_back(prompts_of(batch, i * prompts / count, (i + 1) * prompts / count));
  return all;
}

}  // namespace medplib::core
