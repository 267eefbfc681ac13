#include "nn/layers.h"

#include "ops/norm.h"

#include <ATen/ATen.h>

namespace medplib::core {

Linear::Linear(const Scope& scope, std::int64_t in, std::int64_t out, bool with_bias, Init init)
    : weight_(scope.take_weight("weight", {out, in}, init)) {
  if (with_bias) bias_ = scope.take("bias", {out}, Init::Zeros);
}

LayerNorm::LayerNorm(const Scope& scope, std::int64_t size, double eps)
    : weight_(scope.take("weight", {size}, Init::Ones)),
      bias_(scope.take("bias", {size}, Init::Zeros)),
      eps_(eps) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const { return layer_norm(x, weight_, bias_, eps_); }

at::Tensor LayerNorm::channels(const at::Tensor& x) const { return layer_norm_2d(x, weight_, bias_, eps_); }

RmsNorm::RmsNorm(const Scope& scope, std::int64_t size, double eps)
    : weight_(scope.take("weight", {size}, Init::Ones)), eps_(eps) {}

at::Tensor RmsNorm::operator()(const at::Tensor& x) const { return rms_norm(x, weight_, eps_); }

Conv::Conv(const Scope& scope, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
           std::int64_t padding, bool with_bias)
    : weight_(scope.take("weight", {out, in, kernel, kernel}, Init::FanIn)),
      stride_(stride),
      padding_(padding) {
  if (with_bias) bias_ = scope.take("bias", {out}, Init::Zeros);
}

at::Tensor Conv::operator()(const at::Tensor& x) const {
  return at::conv2d(x, weight_, bias_, stride_, padding_);
}

TransposedConv::TransposedConv(const Scope& scope, std::int64_t in, std::int64_t out, std::int64_t kernel,
                               std::int64_t stride, std::int64_t padding, bool with_bias)
    : weight_(scope.take("weight", {in, out, kernel, kernel}, Init::FanIn)),
      stride_(stride),
      padding_(padding) {
  if (with_bias) bias_ = scope.take("bias", {out}, Init::Zeros);
}

at::Tensor TransposedConv::operator()(const at::Tensor& x) const {
  return at::conv_transpose2d(x, weight_, bias_, stride_, padding_);
}

ReluMlp::ReluMlp(const Scope& scope, std::int64_t in, std::int64_t hidden, std::int64_t out,
                 std::int64_t depth) {
  for (std::int64_t i = 0; i < depth; ++i)
    layers_.emplace_back(scope / i, i == 0 ? in : hidden, i + 1 == depth ? out : hidden);
}

at::Tensor ReluMlp::operator()(at::Tensor x) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    x = layers_[i](x);
    if (i + 1 < layers_.size()) x = at::relu(x);
  }
  return x;
}

ConvStem::ConvStem(const Scope& scope, const StemChannels& widths, std::int64_t out) {
  if (widths.empty()) return;
  std::int64_t in = 3, index = 0;
  for (const auto width : widths) {
    convs_.emplace_back(scope / index, in, width, 3, 2, 1);
    // Padding has no variance: with a smaller epsilon its gradients would be a thousand times the picture's.
    norms_.emplace_back(scope / (index + 1), width, 1e-2);
    index += 3;  // convolution, norm, GELU
    in = width;
  }
  convs_.emplace_back(scope / index, in, out, 3, 2, 1);
}

std::vector<at::Tensor> ConvStem::operator()(const at::Tensor& pixels) const {
  std::vector<at::Tensor> features;
  at::Tensor x = pixels.contiguous(at::MemoryFormat::ChannelsLast);
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    x = convs_[i](x);
    if (i < norms_.size()) x = at::gelu(norms_[i].channels(x));
    features.push_back(x);
  }
  return features;
}

}  // namespace medplib::core
