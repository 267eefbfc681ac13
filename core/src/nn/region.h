// Region pooling: what the user points at becomes one embedding (docs/model.md, Regions).
#pragma once

#include "nn/config.h"
#include "nn/layers.h"

namespace medplib::core {

class RegionPooling {
 public:
  RegionPooling(const Scope& scope, const ModelConfig& config);

  // Once an image: (grid², clip) → (grid², hidden).
  at::Tensor adapt(const at::Tensor& features) const { return adapter_(features); }

  // adapted (grid², hidden) of one image, cells (grid, grid): ≠ 0 inside → (hidden). No cell inside gives
  // zeros, as the published demo.
  at::Tensor operator()(const at::Tensor& adapted, const at::Tensor& cells) const;

 private:
  Linear adapter_;
};

}  // namespace medplib::core
