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

Scope Scope::as(Role role) const {
  Scope other = *this;
  other.role_ = role;
  return other;
}

ParameterSpec Scope::spec_of(const std::string& name, std::vector<std::int64_t> shape, Init init) const {
  return {.name = (*this / name).prefix_,
          .shape = std::move(shape),
          .init = init,
          .float32 = float32_,
          .role = role_};
}

at::Tensor Scope::take(const std::string& name, std::vector<std::int64_t> shape, Init init) const {
  return source_->take(spec_of(name, std::move(shape), init));
}

Weight Scope::take_weight(const std::string& name, std::vector<std::int64_t> shape, Init init) const {
  return source_->take_weight(spec_of(name, std::move(shape), init));
}

at::Tensor Scope::take_float32(const std::string& name, std::vector<std::int64_t> shape, Init init) const {
  return in_float32().take(name, std::move(shape), init);
}

at::Tensor Scope::take_buffer_float32(const std::string& name, std::vector<std::int64_t> shape,
                                      Init init) const {
  ParameterSpec spec = in_float32().spec_of(name, std::move(shape), init);
  spec.buffer = true;
  return source_->take(spec);
}

}  // namespace medplib::core
