// Building blocks that several parts share.
#pragma once

#include "nn/config.h"
#include "ops/linear.h"
#include "weights/parameters.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <string_view>
#include <vector>

namespace medplib::core {

// Called before each layer with its name and input: "clip.L", "hidden.L" (of the language model) and "sam.L"
// are those of layer L. It may throw to end the pass.
using Tap = std::function<void(std::string_view name, const at::Tensor& value)>;

class Linear {
 public:
  Linear() = default;
  Linear(const Scope& scope, std::int64_t in, std::int64_t out, bool with_bias = true,
         Init init = Init::FanIn);
  at::Tensor operator()(const at::Tensor& x) const { return linear(x, weight_, bias_); }

 private:
  Weight weight_;
  at::Tensor bias_;
};

class LayerNorm {
 public:
  LayerNorm() = default;
  LayerNorm(const Scope& scope, std::int64_t size, double eps);
  at::Tensor operator()(const at::Tensor& x) const;  // over the last axis
  at::Tensor channels(const at::Tensor& x) const;    // over axis 1 of (B, C, H, W)

 private:
  at::Tensor weight_, bias_;
  double eps_ = 0;
};

class RmsNorm {
 public:
  RmsNorm() = default;
  RmsNorm(const Scope& scope, std::int64_t size, double eps);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  double eps_ = 0;
};

class Conv {
 public:
  Conv() = default;
  Conv(const Scope& scope, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
       std::int64_t padding, bool with_bias = true);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_, bias_;
  std::int64_t stride_ = 1, padding_ = 0;
};

class TransposedConv {
 public:
  TransposedConv() = default;
  TransposedConv(const Scope& scope, std::int64_t in, std::int64_t out, std::int64_t kernel,
                 std::int64_t stride, std::int64_t padding, bool with_bias = true);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_, bias_;
  std::int64_t stride_ = 1, padding_ = 0;
};

// Linear layers with ReLU between them: SAM's small MLPs.
class ReluMlp {
 public:
  ReluMlp() = default;
  ReluMlp(const Scope& scope, std::int64_t in, std::int64_t hidden, std::int64_t out, std::int64_t depth);
  at::Tensor operator()(at::Tensor x) const;

 private:
  std::vector<Linear> layers_;
};

// What small models have instead of a patch projection: stride-2 3×3 convolutions, each followed by LayerNorm
// and GELU except the last.
class ConvStem {
 public:
  ConvStem() = default;
  ConvStem(const Scope& scope, const StemChannels& widths, std::int64_t out);
  bool empty() const { return convs_.empty(); }
  // (B, 3, S, S) → the features after each convolution: S/2, S/4, … S/patch.
  std::vector<at::Tensor> operator()(const at::Tensor& pixels) const;

 private:
  std::vector<Conv> convs_;
  std::vector<LayerNorm> norms_;
};

}  // namespace medplib::core
