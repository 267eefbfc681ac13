#include "weights/parameters.h"

#include "ops/warm_up.h"

#include <utility>

namespace medplib::core {

ParameterSource::ParameterSource() { warm_up_math(); }

Scope Scope::operator/(const std::string& part) const {
  return Scope(*source_, prefix_.empty() ? part : prefix_ + "." + part);
}

at::Tensor Scope::take(const std::string& name, std::vector<std::int64_t> shape, Init init) const {
  return source_->take({.name = (*this / name).prefix_, .shape = std::move(shape), .init = init});
}

Weight Scope::take_weight(const std::string& name, std::vector<std::int64_t> shape, Init init) const {
  return source_->take_weight({.name = (*this / name).prefix_, .shape = std::move(shape), .init = init});
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

}  // namespace medplib::core
