// Region pooling: what the user points at becomes one embedding (docs/model.md, Regions).
#pragma once

#include "nn/config.h"
#include "nn/layers.h"

namespace medplib::core {

class RegionPooling {
 public:
  RegionPooling(const Scope& scope, const ModelConfig& config);

  // features (grid², clip) of one image, cells (grid, grid): ≠ 0 inside → (hidden). No cell inside gives
  // zeros, as the published demo.
  at::Tensor operator()(const at::Tensor& features, const at::Tensor& cells) const;

  // The features as regions see them: (grid², hidden).
  at::Tensor adapted(const at::Tensor& features) const { return adapter_(features); }

 private:
  Linear adapter_;
};

}  // namespace medplib::core
