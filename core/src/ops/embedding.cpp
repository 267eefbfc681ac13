#include "ops/embedding.h"

#include <ATen/ATen.h>

namespace medplib::core {

at::Tensor embedding(const at::Tensor& ids, const Weight& weight, std::int64_t padding) {
  at::Tensor rows;
  if (const auto* int8 = std::get_if<Int8Rows>(&weight.stored))
    rows = at::embedding(int8->values, ids).to(at::kFloat) * int8->scales.index({ids}).unsqueeze(-1);
  else
    rows = at::embedding(std::get<at::Tensor>(weight.stored), ids, padding);
  if (!weight.adapter) return rows;
  const Lora& lora = *weight.adapter;
  return rows + scale_of(lora) * at::matmul(at::embedding(lora.b, ids), lora.a);
}

}  // namespace medplib::core
