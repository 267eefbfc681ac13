// The language model: LLaMA with dense and mixture-of-experts layers (docs/model.md, Language model).
#pragma once

#include "nn/config.h"
#include "nn/layers.h"
#include "nn/moe.h"
#include "nn/rotary.h"

#include <functional>
#include <variant>

namespace medplib::core {

// Keys and values of the tokens so far, allocated once. Cutting `length` back forgets the tokens behind it.
class KvCache {
 public:
  KvCache(const LanguageConfig& config, std::int64_t capacity, const at::TensorOptions& options);

  std::int64_t length = 0;
  std::int64_t capacity() const { return capacity_; }
  // Stores k, v (1, H, T, d) behind the first `length` tokens of a layer. Returns all of them: (1, H, length
  // + T, d).
  std::pair<at::Tensor, at::Tensor> append(std::size_t layer, const at::Tensor& k, const at::Tensor& v);

 private:
  std::int64_t capacity_;
  at::Tensor keys_, values_;  // (layers, 1, H, capacity, d)
};

struct LanguageOutput {
  at::Tensor hidden;              // (B, T, C) after the final norm
  std::vector<Routing> routings;  // one per MoE layer; tokens of the batch flattened
};

class Language {
 public:
  Language(const Scope& scope, const LanguageConfig& config);

  at::Tensor embed(const at::Tensor& ids) const;  // (…) int64, on any device → (…, C)

  // Continues the sequence that the cache holds with embeddings (1, T, C). The cache grows by T.
  LanguageOutput extend(const at::Tensor& embeddings, KvCache& cache, const Tap& tap = {}) const;

  // Whole sequences: embeddings (B, T, C), positions (B, T) int64, mask (B, 1, T, T) added to the attention
  // scores. `capacity`: of each expert for all tokens of the batch; null: it takes all that chose it.
  LanguageOutput forward(const at::Tensor& embeddings, const at::Tensor& positions, const at::Tensor& mask,
                         const ExpertCapacity* capacity = nullptr) const;

  // One whole sequence (1, T, C). `attention` receives the weights: (T, T) per layer, mean over the heads.
  LanguageOutput trace(const at::Tensor& embeddings, std::vector<at::Tensor>& attention,
                       const Tap& tap) const;

  at::Tensor logits(const at::Tensor& hidden) const { return head_(hidden); }  // (…, C) → (…, vocabulary)

 private:
  struct Layer {
    RmsNorm input_norm, ffn_norm;
    Linear q, k, v, o;
    std::variant<SwiGlu, Moe> ffn;
  };
  // What each layer does with its queries, keys and values.
  using Attend = std::function<at::Tensor(std::size_t layer, const at::Tensor& q, const at::Tensor& k,
                                          const at::Tensor& v)>;

  static Layer make_layer(const Scope& scope, const LanguageConfig& config, std::int64_t index);
  // positions (B or 1, T)
  LanguageOutput run(at::Tensor x, const at::Tensor& positions, const Attend& attend, const Tap& tap,
                     const ExpertCapacity* capacity = nullptr) const;

  LanguageConfig config_;
  Weight embedding_;  // (vocabulary, C)
  RotaryTable rotary_;
  std::vector<Layer> layers_;
  RmsNorm norm_;
  Linear head_;
};

}  // namespace medplib::core
