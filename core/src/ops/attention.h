// Multi-head attention's core: softmax(q kᵀ / sqrt(d) + mask) v.
#pragma once

#include <ATen/core/Tensor.h>

namespace medplib::core {

// (B, T, H·d) → (B, H, T, d) and back.
at::Tensor split_heads(const at::Tensor& x, std::int64_t heads);
at::Tensor merge_heads(const at::Tensor& x);

// q (B, H, T, d), k and v (B, H, S, d) → (B, H, T, d). `mask`: added to the scores, broadcast to (B, H, T,
// S); undefined: none.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const at::Tensor& mask = {});

// The same where token t of the last T of S attends to keys 0 … S − T + t.
at::Tensor causal_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

// The attention weights of causal_attention, float32: q, k (B, H, T, d) → (B, H, T, T); each row sums to 1.
at::Tensor causal_weights(const at::Tensor& q, const at::Tensor& k);

}  // namespace medplib::core
