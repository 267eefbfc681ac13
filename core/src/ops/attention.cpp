#include "ops/attention.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

namespace medplib::core {

at::Tensor split_heads(const at::Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

at::Tensor merge_heads(const at::Tensor& x) { return x.transpose(1, 2).flatten(2); }

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask) {
  std::optional<at::Tensor> given;
  if (mask.defined()) given = mask;
  return at::scaled_dot_product_attention(q, k, v, given);
}

at::Tensor causal_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const std::int64_t queries = q.size(2), keys = k.size(2);
  if (queries == 1) return attention(q, k, v);
  if (queries == keys) return at::scaled_dot_product_attention(q, k, v, {}, 0.0, /*is_causal=*/true);
  const at::Tensor hidden = at::full({queries, keys}, -std::numeric_limits<float>::infinity(), q.options());
  return attention(q, k, v, hidden.triu(keys - queries + 1));
}

at::Tensor causal_weights(const at::Tensor& q, const at::Tensor& k) {
  const std::int64_t rows = q.size(2);
  const at::Tensor hidden =
      at::full({rows, rows}, -std::numeric_limits<float>::infinity(), q.options().dtype(at::kFloat));
  const at::Tensor scores = at::matmul(q, k.transpose(-1, -2)).to(at::kFloat);
  return at::softmax(scores / std::sqrt(static_cast<double>(q.size(3))) + hidden.triu(1), -1);
}

}  // namespace medplib::core
