#include "nn/projector.h"

#include <ATen/ATen.h>

#include <cmath>

namespace medplib::core {

Projector::Projector(const Scope& scope, const ModelConfig& config) : pooling_(config.token_pooling) {
  const std::int64_t in = config.clip.hidden, out = config.language.hidden;
  if (config.projector == "identity") return;
  if (config.projector == "linear") {
    layers_.emplace_back(scope / "linear", in, out);
    return;
  }
  const std::int64_t depth = config.projector[3] - '0';  // mlpNx_gelu
  for (std::int64_t i = 0; i < depth; ++i)
    layers_.emplace_back(scope / "layers" / (2 * i), i == 0 ? in : out, out);  // GELU has the odd numbers
}

at::Tensor Projector::operator()(const at::Tensor& features) const {
  at::Tensor x = features;
  if (pooling_ > 1) {
    const auto grid = static_cast<std::int64_t>(std::lround(std::sqrt(x.size(1))));
    const at::Tensor map = x.transpose(1, 2).reshape({x.size(0), x.size(2), grid, grid});
    x = at::avg_pool2d(map, {pooling_, pooling_}).flatten(2).transpose(1, 2);
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) x = layers_[i](i == 0 ? x : at::gelu(x));
  return x;
}

}  // namespace medplib::core
