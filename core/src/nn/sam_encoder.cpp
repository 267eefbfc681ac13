#include "nn/sam_encoder.h"

#include "ops/attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

namespace medplib::core {
namespace {

constexpr double kEps = 1e-6;

// Rows of the table (2 · side − 1, d) for each pair of query and key on an axis of `side`: (side, side, d).
at::Tensor relative_positions(const at::Tensor& table, std::int64_t side) {
  const at::Tensor i = at::arange(side, table.options().dtype(at::kLong));
  return table.index({i.unsqueeze(1) - i.unsqueeze(0) + (side - 1)});
}

// Selects rows of maps (B, C, h, w) in channels-last layout, which they keep.
at::Tensor select_maps(const at::Tensor& maps, const at::Tensor& index) {
  return maps.permute({0, 2, 3, 1}).index_select(0, index).permute({0, 3, 1, 2});
}

}  // namespace

ImageEmbedding ImageEmbedding::select(const at::Tensor& index) const {
  ImageEmbedding chosen{select_maps(embedding, index), {}};
  for (const auto& skip : skips) chosen.skips.push_back(select_maps(skip, index));
  return chosen;
}

SamEncoder::SamEncoder(const Scope& scope, const SamConfig& config) : config_(config) {
  if (config.stem.empty())
    patch_ = Conv(scope / "patch", 3, config.dim, config.patch, config.patch, 0);
  else
    stem_ = ConvStem(scope / "stem", config.stem, config.dim);
  positions_ = scope.take("positions", {1, config.grid(), config.grid(), config.dim}, Init::Normal02);
  for (std::int64_t i = 0; i < config.depth; ++i)
    blocks_.push_back(
        make_block(scope / "blocks" / i, config, std::ranges::count(config.global_layers, i) > 0));
  const Scope neck = scope / "neck";
  neck_in_ = Conv(neck / 0, config.dim, config.channels, 1, 1, 0, /*with_bias=*/false);
  neck_norm_in_ = LayerNorm(neck / 1, config.channels, kEps);
  neck_out_ = Conv(neck / 2, config.channels, config.channels, 3, 1, 1, /*with_bias=*/false);
  neck_norm_out_ = LayerNorm(neck / 3, config.channels, kEps);
}

SamEncoder::Block SamEncoder::make_block(const Scope& scope, const SamConfig& config, bool global) {
  const std::int64_t dim = config.dim, side = global ? config.grid() : config.window;
  const Scope attention = scope / "attention";
  const auto table = [&](const char* name) {
    return attention.take(name, {2 * side - 1, dim / config.heads}, Init::Zeros);
  };
  Block block{.norm1 = LayerNorm(scope / "norm1", dim, kEps),
              .norm2 = LayerNorm(scope / "norm2", dim, kEps),
              .attention = {.qkv = Linear(attention / "qkv", dim, 3 * dim),
                            .proj = Linear(attention / "proj", dim, dim),
                            .rel_pos_h = table("rel_pos_h"),
                            .rel_pos_w = table("rel_pos_w")},
              .mlp_in = Linear(scope / "mlp" / "in", dim, config.mlp_ratio * dim),
              .mlp_out = Linear(scope / "mlp" / "out", config.mlp_ratio * dim, dim),
              .adapter = std::nullopt,
              .global = global};
  if (config.adapters) {
    const Scope adapter = scope / "adapter";
    block.adapter = Adapter{.squeeze = Linear(adapter / "channel" / 0, dim, dim / 4, false),
                            .excite = Linear(adapter / "channel" / 2, dim / 4, dim, false),
                            .down = Conv(adapter / "spatial" / 0, dim, dim, 3, 2, 1, false),
                            .up = TransposedConv(adapter / "spatial" / 2, dim, dim, 4, 2, 1, false),
                            .norm = LayerNorm(adapter / "norm", dim, 1e-5)};
  }
  return block;
}

at::Tensor SamEncoder::attend(const Attention& attention, const at::Tensor& x) const {
  const std::int64_t batch = x.size(0), h = x.size(1), w = x.size(2), heads = config_.heads;
  const at::Tensor qkv = attention.qkv(x).reshape({batch, h * w, 3, heads, -1}).permute({2, 0, 3, 1, 4});
  const std::vector<at::Tensor> parts = qkv.unbind();  // its gradient is one tensor; that of indices is three
  const at::Tensor &q = parts[0], &k = parts[1], &v = parts[2];  // (B, H, hw, d)
  const at::Tensor by_place = q.reshape({batch * heads, h, w, -1});
  const at::Tensor rows =
      at::einsum("bhwc,hkc->bhwk", {by_place, relative_positions(attention.rel_pos_h, h)});
  const at::Tensor columns =
      at::einsum("bhwc,wkc->bhwk", {by_place, relative_positions(attention.rel_pos_w, w)});
  const at::Tensor bias = (rows.unsqueeze(-1) + columns.unsqueeze(-2)).reshape({batch, heads, h * w, h * w});
  return attention.proj(merge_heads(core::attention(q, k, v, bias)).reshape({batch, h, w, -1}));
}

at::Tensor SamEncoder::attend_in_windows(const Attention& attention, const at::Tensor& x) const {
  const std::int64_t batch = x.size(0), h = x.size(1), w = x.size(2), dim = x.size(3), side = config_.window;
  const std::int64_t down = (h + side - 1) / side, across = (w + side - 1) / side;
  const std::int64_t below = down * side - h, beside = across * side - w;
  // Zeros to the right and at the bottom; they take part in the attention, unmasked, as in SAM.
  const at::Tensor padded = below + beside == 0 ? x : at::constant_pad_nd(x, {0, 0, 0, beside, 0, below});
  const at::Tensor windows = padded.view({batch, down, side, across, side, dim}).permute({0, 1, 3, 2, 4, 5});
  const at::Tensor mixed = attend(attention, windows.reshape({-1, side, side, dim}));
  const at::Tensor joined = mixed.view({batch, down, across, side, side, dim}).permute({0, 1, 3, 2, 4, 5});
  return joined.reshape({batch, down * side, across * side, dim}).narrow(1, 0, h).narrow(2, 0, w);
}

at::Tensor SamEncoder::run(const Block& block, const at::Tensor& x) const {
  const at::Tensor y = block.norm1(x);
  const at::Tensor mixed =
      x + (block.global ? attend(block.attention, y) : attend_in_windows(block.attention, y));
  const at::Tensor z = block.norm2(mixed);
  at::Tensor out = mixed + block.mlp_out(at::gelu(block.mlp_in(z)));
  if (!block.adapter) return out;
  const Adapter& adapter = *block.adapter;
  const at::Tensor map = z.permute({0, 3, 1, 2});  // (B, C, h, w)
  const at::Tensor gate = at::sigmoid(adapter.excite(at::relu(adapter.squeeze(map.mean({2, 3})))));
  const at::Tensor spatial =
      at::relu(adapter.up(at::relu(adapter.down(gate.unsqueeze(-1).unsqueeze(-1) * map))));
  return out + adapter.norm((map + spatial).permute({0, 2, 3, 1}));
}

ImageEmbedding SamEncoder::operator()(const at::Tensor& pixels, const Tap& tap) const {
  const std::vector<at::Tensor> features = stem_.empty() ? std::vector{patch_(pixels)} : stem_(pixels);
  at::Tensor x = features.back().permute({0, 2, 3, 1}) + positions_;  // (B, g, g, C)
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (tap) tap("sam." + std::to_string(i), x);
    x = run(blocks_[i], x);
  }
  const at::Tensor narrow = neck_norm_in_.channels(neck_in_(x.permute({0, 3, 1, 2})));
  ImageEmbedding result{neck_norm_out_.channels(neck_out_(narrow)), {}};
  if (config_.decoder_skips) result.skips = {features[2], features[1]};
  return result;
}

}  // namespace medplib::core
