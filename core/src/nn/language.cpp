#include "nn/language.h"

#include "ops/attention.h"
#include "ops/embedding.h"
#include "text/tokenizer.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>

#include <string>

namespace medplib::core {

KvCache::KvCache(const LanguageConfig& config, std::int64_t capacity, const at::TensorOptions& options)
    : capacity_(capacity) {
  const std::int64_t dim = config.hidden / config.heads;
  keys_ = at::empty({config.layers, 1, config.heads, capacity, dim}, options);
  values_ = at::empty_like(keys_);
}

std::pair<at::Tensor, at::Tensor> KvCache::append(std::size_t layer, const at::Tensor& k,
                                                  const at::Tensor& v) {
  const std::int64_t added = k.size(2);
  const auto all = [&](at::Tensor& store, const at::Tensor& fresh) {
    const at::Tensor of_layer = store.select(0, static_cast<std::int64_t>(layer));
    of_layer.narrow(2, length, added).copy_(fresh);
    return of_layer.narrow(2, 0, length + added);
  };
  return {all(keys_, k), all(values_, v)};
}

Language::Language(const Scope& scope, const LanguageConfig& config)
    : config_(config),
      embedding_(scope.take_weight("embed.weight", {config.vocabulary, config.hidden}, Init::Normal02)),
      rotary_(config, device_of(embedding_)) {
  for (std::int64_t i = 0; i < config.layers; ++i)
    layers_.push_back(make_layer(scope / "layers" / i, config, i));
  norm_ = RmsNorm(scope / "norm", config.hidden, config.norm_eps);
  head_ = Linear(scope / "head", config.hidden, config.vocabulary, /*with_bias=*/false, Init::Normal02);
}

Language::Layer Language::make_layer(const Scope& scope, const LanguageConfig& config, std::int64_t index) {
  const std::int64_t dim = config.hidden, experts = config.moe.experts_in(index);
  const Scope attention = scope / "attention";
  using Ffn = std::variant<SwiGlu, Moe>;
  return {.input_norm = RmsNorm(scope / "input_norm", dim, config.norm_eps),
          .ffn_norm = RmsNorm(scope / "ffn_norm", dim, config.norm_eps),
          .q = Linear(attention / "q", dim, dim, false),
          .k = Linear(attention / "k", dim, dim, false),
          .v = Linear(attention / "v", dim, dim, false),
          .o = Linear(attention / "o", dim, dim, false),
          .ffn = experts > 0 ? Ffn(Moe(scope / "moe", config, experts))
                             : Ffn(SwiGlu(scope / "ffn", dim, config.ffn))};
}

at::Tensor Language::embed(const at::Tensor& ids) const {
  return embedding(ids.to(device_of(embedding_)), embedding_, kPadding);
}

LanguageOutput Language::run(at::Tensor x, const at::Tensor& positions, const Attend& attend, const Tap& tap,
                             const ExpertCapacity* capacity) const {
  const RotaryRows rotary = rotary_.at_positions(positions, x);
  const auto rotate = [&](const at::Tensor& t) {  // the half-split form
    const auto halves = t.chunk(2, -1);
    return t * rotary.cos + at::cat({-halves[1], halves[0]}, -1) * rotary.sin;
  };
  LanguageOutput output;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    if (tap) tap("hidden." + std::to_string(i), x);
    const at::Tensor y = layer.input_norm(x);
    const auto heads = [&](const Linear& projection) { return split_heads(projection(y), config_.heads); };
    x = x + layer.o(merge_heads(attend(i, rotate(heads(layer.q)), rotate(heads(layer.k)), heads(layer.v))));
    const at::Tensor z = layer.ffn_norm(x);
    if (const auto* moe = std::get_if<Moe>(&layer.ffn))
      x = x + (*moe)(z, &output.routings.emplace_back(), capacity);
    else
      x = x + std::get<SwiGlu>(layer.ffn)(z);
  }
  output.hidden = norm_(x);
  return output;
}

LanguageOutput Language::extend(const at::Tensor& embeddings, KvCache& cache, const Tap& tap) const {
  const std::int64_t added = embeddings.size(1);
  if (cache.length + added > cache.capacity())
    fail(ErrorCode::InvalidArgument, "The conversation needs ", cache.length + added,
         " tokens, but the model's context holds ", cache.capacity(),
         ". Ask a shorter question, with fewer images, or start anew.");
  const at::Tensor positions = at::arange(cache.length, cache.length + added, at::kLong);
  const Attend attend = [&](std::size_t layer, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v) {
    const auto [keys, values] = cache.append(layer, k, v);
    return causal_attention(q, keys, values);
  };
  LanguageOutput output = run(embeddings, positions.unsqueeze(0), attend, tap);
  cache.length += added;
  return output;
}

LanguageOutput Language::forward(const at::Tensor& embeddings, const at::Tensor& positions,
                                 const at::Tensor& mask, const ExpertCapacity* capacity) const {
  const Attend attend = [&](std::size_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
    return attention(q, k, v, mask);
  };
  return run(embeddings, positions, attend, {}, capacity);
}

LanguageOutput Language::trace(const at::Tensor& embeddings, std::vector<at::Tensor>& attention,
                               const Tap& tap) const {
  const std::int64_t rows = embeddings.size(1);
  const Attend attend = [&](std::size_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
    const at::Tensor weights = causal_weights(q, k);  // (1, H, T, T)
    attention.push_back(weights[0].mean(0));
    return at::matmul(weights.to(v.scalar_type()), v);
  };
  const at::Tensor positions = at::arange(rows, at::kLong);
  return run(embeddings, positions.unsqueeze(0), attend, tap);
}

}  // namespace medplib::core
