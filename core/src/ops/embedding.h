// Rows of a matrix by their numbers, for whatever form it is kept in.
#pragma once

#include "ops/weight.h"

namespace medplib::core {

// ids (…) int64 on the weight's device, weight (rows, columns) → (…, columns); float32 where the weight is
// quantised. The row `padding` of a dense weight gets no gradient.
at::Tensor embedding(const at::Tensor& ids, const Weight& weight, std::int64_t padding);

}  // namespace medplib::core
