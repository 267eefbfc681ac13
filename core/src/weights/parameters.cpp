#include "weights/parameters.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

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

Scope Scope::operator/(const std::string& part) const {
  return Scope(*source_, prefix_.empty() ? part : prefix_ + "." + part);
}

at::Tensor Scope::take(const std::string& name, std::vector<std::int64_t> shape, Init init) const {
  return source_->take({.name = (*this / name).prefix_, .shape = std::move(shape), .init = init});
}

at::Tensor Scope::take_float32(const std::string& name, std::vector<std::int64_t> shape, Init init) const {
  return source_->take(
      {.name = (*this / name).prefix_, .shape = std::move(shape), .init = init, .float32 = true});
}

at::Tensor Scope::take_buffer_float32(const std::string& name, std::vector<std::int64_t> shape,
                                      Init init) const {
  return source_->take({.name = (*this / name).prefix_,
                        .shape = std::move(shape),
                        .init = init,
                        .float32 = true,
                        .buffer = true});
}

FreshParameters::FreshParameters(std::uint64_t seed) : seed_(seed) {}

at::Tensor FreshParameters::take(const ParameterSpec& spec) {
  // The generator depends on seed and name alone, so that another part taken before does not change this one.
  at::Generator generator = at::detail::createCPUGenerator(seed_ ^ hash_of(spec.name));
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
  tensor.set_requires_grad(!spec.buffer);
  all_.emplace_back(spec.name, tensor);
  return tensor;
}

}  // namespace medplib::core
