#include "nn/routing.h"

#include "text/prompt.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <functional>

namespace medplib::core {

std::vector<TokenKind> kinds_of(std::span<const TokenId> ids, std::span<const TokenId> labels,
                                std::int64_t image_tokens, TokenId seg) {
  std::vector<TokenKind> kinds;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == seg && !kinds.empty()) kinds.back() = TokenKind::Seg;
    const TokenKind kind = ids[i] == kImagePlaceholder    ? TokenKind::Image
                           : ids[i] == kRegionPlaceholder ? TokenKind::Region
                           : labels[i] == kIgnoredLabel   ? TokenKind::Question
                                                          : TokenKind::Answer;
    kinds.insert(kinds.end(), static_cast<std::size_t>(rows_of(ids[i], image_tokens)), kind);
  }
  return kinds;
}

std::vector<std::int64_t> count_experts(const at::Tensor& chosen, std::int64_t experts) {
  const at::Tensor counts = at::bincount(chosen.flatten().to(at::kCPU, at::kLong), {}, experts);
  const std::int64_t* first = counts.const_data_ptr<std::int64_t>();
  return {first, first + counts.numel()};
}

RoutingByKind count_by_kind(std::span<const TokenKind> kinds, const std::vector<at::Tensor>& chosen,
                            std::span<const std::int64_t> experts) {
  std::map<TokenKind, std::vector<std::int64_t>> rows;
  for (std::size_t i = 0; i < kinds.size(); ++i) rows[kinds[i]].push_back(static_cast<std::int64_t>(i));
  RoutingByKind counts;
  for (const auto& [kind, its_rows] : rows) {
    const at::Tensor taken = at::tensor(its_rows, at::kLong);
    for (std::size_t layer = 0; layer < chosen.size(); ++layer)
      counts[kind].push_back(
          count_experts(chosen[layer].to(at::kCPU).index_select(0, taken), experts[layer]));
  }
  return counts;
}

void add_routing(RoutingByKind& sum, const RoutingByKind& more) {
  for (const auto& [kind, layers] : more) {
    ExpertCounts& counts = sum[kind];
    counts.resize(layers.size());
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
      counts[layer].resize(layers[layer].size());
      std::ranges::transform(counts[layer], layers[layer], counts[layer].begin(), std::plus<>());
    }
  }
}

Json json_of(const RoutingByKind& routing) {
  Json json = Json::object();
  for (const auto& [kind, counts] : routing) json[to_text(kind)] = counts;
  return json;
}

}  // namespace medplib::core
