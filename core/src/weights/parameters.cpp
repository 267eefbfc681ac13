#include "weights/parameters.h"

#include "ops/warm_up.h"

#include <utility>

namespace medplib::core {

ParameterSource::ParameterSource() { warm_up_math(); }

Scope Scope::operator/(const std::string& part) const {
  Scope inner = *this;
  inner.prefix_ = prefix_.empty() ? part : prefix_ + "." + part;
  return inner;
}

Scope Scope::in_float32() const {
  Scope exact = *this;
  exact.float32_ = true;
  return exact;
}

at::Tensor Scope::take(const std::string& name, std::vector<std::int64_t> shape, Init init) const {
  return source_->take(
      {.name = (*this / name).prefix_, .shape = std::move(shape), .init = init, .float32 = float32_});
}

Weight Scope::take_weight(const std::string& name, std::vector<std::int64_t> shape, Init init) const {
  return source_->take_weight(
      {.name = (*this / name).prefix_, .shape = std::move(shape), .init = init, .float32 = float32_});
}

at::Tensor Scope::take_float32(const std::string& name, std::vector<std::int64_t> shape, Init init) const {
  return in_float32().take(name, std::move(shape), init);
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
