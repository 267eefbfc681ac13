// The one sequence that a session's KV cache holds: what it is made of, and which experts its tokens took.
#pragma once

#include "nn/language.h"
#include "nn/routing.h"
#include "text/tokenizer.h"

#include <span>
#include <string>
#include <vector>

namespace medplib::core {

// An entry of a prompt: a token, or an image or region that stands for rows of its own.
struct Slot {
  TokenId id = 0;
  std::int64_t rows = 1;
  std::size_t index = 0;     // of an image or region: which of the session's images, of the request's regions
  std::string content = {};  // what tells two regions apart; empty for tokens and images

  bool operator==(const Slot&) const = default;
};

// How many rows of the language model's input they take.
std::int64_t rows_of(std::span<const Slot> slots);

class Sequence {
 public:
  Sequence(const LanguageConfig& config, std::int64_t capacity, const at::TensorOptions& options);

  std::int64_t capacity() const { return cache_.capacity(); }
  std::int64_t rows() const { return cache_.length; }
  // How many slots at the front are the same.
  std::size_t common_with(std::span<const Slot> slots) const;
  // Forgets all but the first `slots`.
  void truncate(std::size_t slots);
  // Runs the language model over the embeddings (rows, C) of `slots`, behind what is held: states (rows, C).
  at::Tensor extend(const Language& language, std::span<const Slot> slots, const at::Tensor& embeddings,
                    const Tap& tap);
  // [MoE layer][expert]: tokens held that took it.
  ExpertCounts routing() const;
  // The same by the kind of each row held.
  RoutingByKind routing(std::span<const TokenKind> kinds) const;

 private:
  // (rows, k): the experts that each row took.
  at::Tensor taken_in(std::size_t layer) const;

  std::vector<std::int64_t> experts_;  // of each MoE layer
  KvCache cache_;
  std::vector<Slot> held_;
  at::Tensor taken_;  // (capacity, MoE layers, k) int16, on the CPU: the experts that each row took
};

}  // namespace medplib::core
