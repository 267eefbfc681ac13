#include "train/pack.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

namespace medplib::core {
namespace {

struct Expanded {
  std::vector<std::int64_t> labels, question, positions;
};

Expanded expand(const PackedPrompt& prompt, std::int64_t image_tokens) {
  Expanded expanded;
  std::int64_t shared_end = 0, next = 0, current = 0;
  for (std::size_t i = 0; i < prompt.ids.size(); ++i) {
    if (prompt.question[i] != current) {
      if (current == 0) shared_end = next;
      current = prompt.question[i];
      next = shared_end;
    }
    for (std::int64_t row = 0; row < rows_of(prompt.ids[i], image_tokens); ++row) {
      expanded.labels.push_back(prompt.labels[i]);
      expanded.question.push_back(current);
      expanded.positions.push_back(next++);
    }
  }
  return expanded;
}

void fill_mask(float* mask, std::size_t length, const std::vector<std::int64_t>& question) {
  constexpr float hidden = -std::numeric_limits<float>::infinity();
  std::fill(mask, mask + length * length, hidden);
  for (std::size_t i = 0; i < length; ++i) {
    const bool padding = i >= question.size();
    const std::size_t end = padding ? question.size() : i + 1;
    for (std::size_t j = 0; j < end; ++j)
      if (padding || question[j] == 0 || question[j] == question[i]) mask[i * length + j] = 0;
  }
}

}  // namespace

PackedPrompt pack(std::span<const LabelledPrompt> conversations, const Tokenizer& tokenizer) {
  PackedPrompt packed;
  const std::vector<TokenId>& first = conversations.front().prompt.ids;
  const std::size_t shared = image_prefix(first, tokenizer);
  const auto append = [&](const LabelledPrompt& from, std::size_t begin, std::size_t end,
                          std::int64_t question) {
    const auto b = static_cast<std::ptrdiff_t>(begin), e = static_cast<std::ptrdiff_t>(end);
    packed.ids.insert(packed.ids.end(), from.prompt.ids.begin() + b, from.prompt.ids.begin() + e);
    packed.labels.insert(packed.labels.end(), from.labels.begin() + b, from.labels.begin() + e);
    packed.question.insert(packed.question.end(), end - begin, question);
  };
  append(conversations.front(), 0, shared, 0);
  packed.images = conversations.front().prompt.images;
  for (std::size_t i = 0; i < conversations.size(); ++i) {
    const Prompt& prompt = conversations[i].prompt;
    if (image_prefix(prompt.ids, tokenizer) != shared ||
        !std::equal(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(shared), prompt.ids.begin()))
      fail(ErrorCode::Format, "The conversations about one image must begin alike, up to the image.");
    const std::size_t before = packed.regions.size();
    for (const std::size_t region : prompt.regions) packed.regions.push_back(before + region);
    append(conversations[i], shared, prompt.ids.size(), static_cast<std::int64_t>(i) + 1);
  }
  return packed;
}

PackedTensors pack_tensors(std::span<const PackedPrompt> prompts, std::int64_t image_tokens) {
  std::vector<Expanded> all;
  std::size_t longest = 0;
  for (const auto& prompt : prompts)
    longest = std::max(longest, all.emplace_back(expand(prompt, image_tokens)).labels.size());
  const auto batch = static_cast<std::int64_t>(prompts.size()), length = static_cast<std::int64_t>(longest);
  PackedTensors tensors{.positions = at::arange(length, at::kLong).repeat({batch, 1}),
                        .mask = at::empty({batch, 1, length, length}, at::kFloat),
                        .labels = at::full({batch, length}, kIgnoredLabel, at::kLong)};
  for (std::size_t b = 0; b < all.size(); ++b) {
    const Expanded& one = all[b];
    std::copy(one.positions.begin(), one.positions.end(),
              tensors.positions.data_ptr<std::int64_t>() + b * longest);
    std::copy(one.labels.begin(), one.labels.end(), tensors.labels.data_ptr<std::int64_t>() + b * longest);
    fill_mask(tensors.mask.data_ptr<float>() + b * longest * longest, longest, one.question);
  }
  return tensors;
}

}  // namespace medplib::core
