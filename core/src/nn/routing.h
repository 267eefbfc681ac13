// Counting which experts tokens take, by what the tokens are.
#pragma once

#include "base/json.h"
#include "text/tokenizer.h"

#include <medplib/core/routing.h>

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace medplib::core {

// The kind of each row that `ids` take in the language model's input. `labels`: of each id, kIgnoredLabel
// where it isn't an answer's.
std::vector<TokenKind> kinds_of(std::span<const TokenId> ids, std::span<const TokenId> labels,
                                std::int64_t image_tokens, TokenId seg);

// How many rows of `chosen` (rows, k), the experts that each took, took each of `experts`.
std::vector<std::int64_t> count_experts(const at::Tensor& chosen, std::int64_t experts);

// Of each MoE layer `chosen` and `experts` as above; the rows that aren't in `kinds`, behind it, are left
// out.
RoutingByKind count_by_kind(std::span<const TokenKind> kinds, const std::vector<at::Tensor>& chosen,
                            std::span<const std::int64_t> experts);

// Adds the counts of other tokens of the same model.
void add_routing(RoutingByKind& sum, const RoutingByKind& more);

// {"image": [[12, 52], …], …}
Json json_of(const RoutingByKind& routing);

}  // namespace medplib::core
