#include "weights/sources.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

namespace medplib::core {

namespace {

// FNV-1a: the same on every platform, which std::hash is not.
std::uint64_t hash_of(const std::string& name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const unsigned char byte : name) hash = (hash ^ byte) * 0x100000001b3ULL;
  return hash;
}

void fill_fan_in(at::Tensor& tensor, at::Generator generator) {
  if (tensor.dim() < 2) {  // a bias
    tensor.zero_();
    return;
  }
  const auto sizes = tensor.sizes();
  const auto fan_in = std::accumulate(sizes.begin() + 1, sizes.end(), std::int64_t{1}, std::multiplies<>());
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  tensor.uniform_(-bound, bound, std::move(generator));
}

}  // namespace

at::Tensor fresh_value(std::uint64_t seed, const ParameterSpec& spec) {
  // Another part taken before does not change this one.
  at::Generator generator = at::detail::createCPUGenerator(seed ^ hash_of(spec.name));
  at::Tensor tensor = at::zeros(spec.shape, at::kFloat);
  switch (spec.init) {
    case Init::Zeros:
      break;
    case Init::Ones:
      tensor.fill_(1.0);
      break;
    case Init::Normal02:
      tensor.normal_(0.0, 0.02, generator);
      break;
    case Init::FanIn:
      fill_fan_in(tensor, generator);
      break;
    case Init::Normal:
      tensor.normal_(0.0, 1.0, generator);
      break;
  }
  return tensor;
}

at::Tensor shape_alone(const ParameterSpec& spec, c10::ScalarType dtype) {
  return at::zeros({1}, dtype).expand(spec.shape);
}

FreshParameters::FreshParameters(std::uint64_t seed) : seed_(seed) {}

at::Tensor FreshParameters::take(const ParameterSpec& spec) {
  at::Tensor tensor = fresh_value(seed_, spec);
  tensor.set_requires_grad(!spec.buffer);
  all_.emplace_back(spec.name, tensor);
  return tensor;
}

at::Tensor ParameterShapes::take(const ParameterSpec& spec) {
  all_.push_back(spec);
  return shape_alone(spec);
}

at::Tensor CheckedParameters::take(const ParameterSpec& spec) {
  between_(0);
  checkpoint_.check(spec);
  return shape_alone(spec);
}

WatchedParameters::WatchedParameters(Checkpoint& checkpoint, const std::function<bool(double)>& progress)
    : checkpoint_(checkpoint), progress_(progress) {
  for (const TensorSummary& tensor : checkpoint.tensors()) total_ += c10::multiply_integers(tensor.shape);
}

at::Tensor WatchedParameters::take(const ParameterSpec& spec) {
  at::Tensor tensor = checkpoint_.take(spec);
  done_ += tensor.numel();
  const double part = static_cast<double>(done_) / static_cast<double>(std::max<std::int64_t>(total_, 1));
  tell(std::min(part, 1.0));
  return tensor;
}

void WatchedParameters::tell(double part) const {
  if (progress_ && !progress_(part)) fail(ErrorCode::Cancelled, "Loading the model was cancelled.");
}

}  // namespace medplib::core
