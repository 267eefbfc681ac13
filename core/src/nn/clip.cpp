#include "nn/clip.h"

#include "ops/attention.h"

#include <ATen/ATen.h>

#include <string>

namespace medplib::core {

Clip::Clip(const Scope& scope, const ClipConfig& config) : config_(config) {
  const std::int64_t dim = config.hidden;
  class_embedding_ = scope.take("class_embedding", {dim}, Init::Normal02);
  if (config.stem.empty())
    patch_ = Conv(scope / "patch", 3, dim, config.patch, config.patch, 0, /*with_bias=*/false);
  else
    stem_ = ConvStem(scope / "stem", config.stem, dim);
  positions_ = scope.take("positions", {config.grid() * config.grid() + 1, dim}, Init::Normal02);
  pre_norm_ = LayerNorm(scope / "pre_norm", dim, config.norm_eps);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const Scope layer = scope / "layers" / i;
    const Scope attention = layer / "attention";
    layers_.push_back({.norm1 = LayerNorm(layer / "norm1", dim, config.norm_eps),
                       .norm2 = LayerNorm(layer / "norm2", dim, config.norm_eps),
                       .q = Linear(attention / "q", dim, dim),
                       .k = Linear(attention / "k", dim, dim),
                       .v = Linear(attention / "v", dim, dim),
                       .out = Linear(attention / "out", dim, dim),
                       .mlp_in = Linear(layer / "mlp" / "in", dim, config.ffn),
                       .mlp_out = Linear(layer / "mlp" / "out", config.ffn, dim)});
  }
}

at::Tensor Clip::embed(const at::Tensor& pixels) const {
  const at::Tensor patches = stem_.empty() ? patch_(pixels) : stem_(pixels).back();  // (B, C, g, g)
  const at::Tensor rows = patches.flatten(2).transpose(1, 2);                        // (B, g², C)
  const at::Tensor cls = class_embedding_.expand({rows.size(0), 1, -1});
  return pre_norm_(at::cat({cls, rows}, 1) + positions_);
}

at::Tensor Clip::run(const Layer& layer, const at::Tensor& x) const {
  const at::Tensor y = layer.norm1(x);
  const auto heads = [&](const Linear& projection) { return split_heads(projection(y), config_.heads); };
  const at::Tensor mixed = merge_heads(attention(heads(layer.q), heads(layer.k), heads(layer.v)));
  const at::Tensor z = x + layer.out(mixed);
  const at::Tensor h = layer.mlp_in(layer.norm2(z));
  return z + layer.mlp_out(h * at::sigmoid(1.702 * h));  // quick_gelu
}

at::Tensor Clip::operator()(const at::Tensor& pixels, const Tap& tap) const {
  at::Tensor x = embed(pixels);
  const std::int64_t select = config_.select_layer;
  const std::int64_t last = select < 0 ? config_.layers + 1 + select : select;
  for (std::int64_t i = 0; i < last; ++i) {
    if (tap) tap("clip." + std::to_string(i), x);
    x = run(layers_[static_cast<std::size_t>(i)], x);
  }
  return x.narrow(1, 1, x.size(1) - 1);
}

}  // namespace medplib::core
