#include "nn/sam_decoder.h"

#include "ops/attention.h"
#include "ops/autocast.h"

#include <ATen/ATen.h>

#include <numbers>

namespace medplib::core {
namespace {

constexpr double kNormEps = 1e-5, kNorm2dEps = 1e-6;

}  // namespace

PromptEncoder::PromptEncoder(const Scope& scope, const SamConfig& config) : config_(config) {
  const std::int64_t dim = config.channels, inner = config.mask_channels;
  fourier_ = scope.take_buffer_float32("fourier", {2, dim / 2}, Init::Normal);
  for (std::int64_t i = 0; i < 4; ++i)
    points_.push_back((scope / "points").take(std::to_string(i), {1, dim}, Init::Normal));
  not_a_point_ = scope.take("not_a_point", {1, dim}, Init::Normal);
  no_mask_ = scope.take("no_mask", {1, dim}, Init::Normal);
  const Scope down = scope / "mask_downscaling";
  mask_down1_ = Conv(down / 0, 1, inner / 4, 2, 2, 0);
  mask_norm1_ = LayerNorm(down / 1, inner / 4, kNorm2dEps);
  mask_down2_ = Conv(down / 3, inner / 4, inner, 2, 2, 0);
  mask_norm2_ = LayerNorm(down / 4, inner, kNorm2dEps);
  mask_out_ = Conv(down / 6, inner, dim, 1, 1, 0);
}

at::Tensor PromptEncoder::encode(const at::Tensor& places) const {
  const NoAutocast exact;
  const at::Tensor phase = 2 * std::numbers::pi * at::matmul(2 * places - 1, fourier_);
  return at::cat({phase.sin(), phase.cos()}, -1);
}

at::Tensor PromptEncoder::image_positions() const {
  const std::int64_t grid = config_.grid();
  const at::Tensor axis = (at::arange(grid, fourier_.options()) + 0.5) / static_cast<double>(grid);
  const at::Tensor x = axis.unsqueeze(0).expand({grid, grid}), y = axis.unsqueeze(1).expand({grid, grid});
  return encode(at::stack({x, y}, -1)).permute({2, 0, 1});
}

at::Tensor PromptEncoder::dense(const at::Tensor& mask) const {
  if (!mask.defined()) return no_mask_.view({1, -1, 1, 1});
  const at::Tensor half = at::gelu(mask_norm1_.channels(mask_down1_(mask.unsqueeze(0))));
  return mask_out_(at::gelu(mask_norm2_.channels(mask_down2_(half))));
}

PromptEmbedding PromptEncoder::operator()(const MaskPrompt& prompt) const {
  const auto side = static_cast<double>(config_.image_size);
  std::vector<at::Tensor> rows;  // points, box, text: in this order
  if (prompt.points.defined()) {
    const at::Tensor kinds = at::cat({points_[0], points_[1]}, 0);
    rows.push_back(encode((prompt.points + 0.5) / side) + kinds.index_select(0, prompt.labels));
    if (!prompt.box.defined()) rows.push_back(not_a_point_);
  }
  if (prompt.box.defined()) {
    const at::Tensor corners = at::cat({points_[2], points_[3]}, 0);
    rows.push_back(encode((prompt.box.view({2, 2}) + 0.5) / side) + corners);
  }
  if (prompt.text.defined()) rows.push_back(prompt.text);
  const at::Tensor sparse = rows.empty() ? no_mask_.new_empty({0, config_.channels}) : at::cat(rows, 0);
  return {sparse.unsqueeze(0), dense(prompt.mask)};
}

PromptEmbedding PromptEncoder::text(const at::Tensor& embeddings) const {
  return {embeddings.unsqueeze(1), dense({})};
}

MaskDecoder::Attention::Attention(const Scope& scope, std::int64_t channels, std::int64_t inner,
                                  std::int64_t heads)
    : q(scope / "q", channels, inner),
      k(scope / "k", channels, inner),
      v(scope / "v", channels, inner),
      out(scope / "out", inner, channels),
      heads(heads) {}

at::Tensor MaskDecoder::Attention::operator()(const at::Tensor& queries, const at::Tensor& keys,
                                              const at::Tensor& values) const {
  return out(merge_heads(
      attention(split_heads(q(queries), heads), split_heads(k(keys), heads), split_heads(v(values), heads))));
}

MaskDecoder::Layer MaskDecoder::make_layer(const Scope& scope, const SamConfig& config) {
  const std::int64_t dim = config.channels, heads = config.decoder_heads;
  return {.self_attention = Attention(scope / "self_attention", dim, dim, heads),
          .token_to_image = Attention(scope / "token_to_image", dim, dim / 2, heads),
          .image_to_token = Attention(scope / "image_to_token", dim, dim / 2, heads),
          .norm1 = LayerNorm(scope / "norm1", dim, kNormEps),
          .norm2 = LayerNorm(scope / "norm2", dim, kNormEps),
          .norm3 = LayerNorm(scope / "norm3", dim, kNormEps),
          .norm4 = LayerNorm(scope / "norm4", dim, kNormEps),
          .mlp_in = Linear(scope / "mlp" / "in", dim, config.decoder_mlp),
          .mlp_out = Linear(scope / "mlp" / "out", config.decoder_mlp, dim)};
}

MaskDecoder::MaskDecoder(const Scope& scope, const SamConfig& config)
    : config_(config),
      final_attention_(scope / "transformer" / "final_attention", config.channels, config.channels / 2,
                       config.decoder_heads) {
  const std::int64_t dim = config.channels, masks = config.multimask_outputs + 1;
  iou_token_ = scope.take("iou_token", {1, dim}, Init::Normal);
  mask_tokens_ = scope.take("mask_tokens", {masks, dim}, Init::Normal);
  const Scope transformer = scope / "transformer";
  for (std::int64_t i = 0; i < config.decoder_depth; ++i)
    layers_.push_back(make_layer(transformer / "layers" / i, config));
  final_norm_ = LayerNorm(transformer / "final_norm", dim, kNormEps);
  up1_ = TransposedConv(scope / "upscaling" / 0, dim, dim / 4, 2, 2, 0);
  up_norm_ = LayerNorm(scope / "upscaling" / 1, dim / 4, kNorm2dEps);
  up2_ = TransposedConv(scope / "upscaling" / 3, dim / 4, dim / 8, 2, 2, 0);
  if (config.decoder_skips)
    skips_ = {Conv(scope / "skips" / 0, config.stem[2], dim / 4, 1, 1, 0),
              Conv(scope / "skips" / 1, config.stem[1], dim / 8, 1, 1, 0)};
  for (std::int64_t i = 0; i < masks; ++i)
    hypernetworks_.emplace_back(scope / "hypernetworks" / i, dim, dim, dim / 8, 3);
  iou_head_ = ReluMlp(scope / "iou_head", dim, config.iou_hidden, masks, config.iou_depth);
}

std::pair<at::Tensor, at::Tensor> MaskDecoder::transform(const at::Tensor& tokens, at::Tensor image,
                                                         const at::Tensor& positions) const {
  at::Tensor queries = tokens;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    // The first self-attention has neither position terms nor a residual.
    queries = i == 0 ? layer.self_attention(queries, queries, queries)
                     : queries + layer.self_attention(queries + tokens, queries + tokens, queries);
    queries = layer.norm1(queries);
    queries = layer.norm2(queries + layer.token_to_image(queries + tokens, image + positions, image));
    queries = layer.norm3(queries + layer.mlp_out(at::relu(layer.mlp_in(queries))));
    image = layer.norm4(image + layer.image_to_token(image + positions, queries + tokens, queries));
  }
  queries = final_norm_(queries + final_attention_(queries + tokens, image + positions, image));
  return {queries, image};
}

at::Tensor MaskDecoder::upscale(const at::Tensor& image, const std::vector<at::Tensor>& skips) const {
  at::Tensor x = up1_(image);
  if (!skips.empty()) x = x + skips_[0](skips[0].to(at::kFloat));
  x = up2_(at::gelu(up_norm_.channels(x)));
  if (!skips.empty()) x = x + skips_[1](skips[1].to(at::kFloat));
  return at::gelu(x);
}

DecodedMasks MaskDecoder::operator()(const ImageEmbedding& image, const at::Tensor& image_positions,
                                     const PromptEmbedding& prompt, bool multimask) const {
  const std::int64_t count = prompt.sparse.size(0), dim = config_.channels, grid = config_.grid();
  const at::Tensor own = at::cat({iou_token_, mask_tokens_}, 0).unsqueeze(0).expand({count, -1, -1});
  const at::Tensor tokens = at::cat({own, prompt.sparse}, 1);
  const at::Tensor source = (image.embedding.to(at::kFloat) + prompt.dense).expand({count, dim, grid, grid});
  const at::Tensor positions = image_positions.flatten(1).t().unsqueeze(0);  // (1, g², C)
  const auto [queries, seen] = transform(tokens, source.flatten(2).transpose(1, 2), positions);
  const at::Tensor map = upscale(seen.transpose(1, 2).reshape({count, dim, grid, grid}), image.skips);

  const std::int64_t first = multimask ? 1 : 0, masks = multimask ? config_.multimask_outputs : 1;
  std::vector<at::Tensor> filters;
  for (std::int64_t i = first; i < first + masks; ++i)
    filters.push_back(hypernetworks_[static_cast<std::size_t>(i)](queries.select(1, 1 + i)));
  const at::Tensor logits = at::matmul(at::stack(filters, 1), map.flatten(2));  // (N, M, (4g)²)
  return {logits.view({count, masks, map.size(2), map.size(3)}),
          iou_head_(queries.select(1, 0)).narrow(1, first, masks)};
}

}  // namespace medplib::core
