#include "ops/weight.h"

#include <ATen/ATen.h>

#include <vector>

namespace medplib::core {

at::Tensor dense(const Weight& weight) {
  if (const auto* tensor = std::get_if<at::Tensor>(&weight.stored)) return *tensor;
  const auto& [values, scales] = std::get<Int8Rows>(weight.stored);
  std::vector<std::int64_t> per_row(static_cast<std::size_t>(values.dim()), 1);
  per_row[0] = scales.numel();
  return values.to(at::kFloat).mul_(scales.view(per_row));
}

c10::Device device_of(const Weight& weight) {
  if (const auto* tensor = std::get_if<at::Tensor>(&weight.stored)) return tensor->device();
  return std::get<Int8Rows>(weight.stored).values.device();
}

}  // namespace medplib::core
