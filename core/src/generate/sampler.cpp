#include "generate/sampler.h"

#include "generate/not_finite.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace medplib::core {

Sampler::Sampler(const AskOptions& options)
    : temperature_(options.temperature),
      top_p_(options.top_p),
      top_k_(static_cast<std::size_t>(std::max(options.top_k, 0))),
      random_(options.seed) {
  if (!(temperature_ >= 0) || !std::isfinite(temperature_))
    fail(ErrorCode::InvalidArgument, "temperature is ", temperature_, "; it must be 0 (greedy) or more.");
  if (options.top_k < 0)
    fail(ErrorCode::InvalidArgument, "top_k is ", options.top_k, "; it must be 0 (all) or more.");
  if (!(top_p_ > 0 && top_p_ <= 1))
    fail(ErrorCode::InvalidArgument, "top_p is ", top_p_, "; it must be above 0 and at most 1.");
}

Choice Sampler::choose(const at::Tensor& logits) {
  const at::Tensor row = logits.contiguous();
  const float* values = row.const_data_ptr<float>();
  const auto count = static_cast<std::size_t>(row.numel());
  std::size_t best = 0;
  float second = -std::numeric_limits<float>::infinity();
  bool finite = std::isfinite(values[0]);
  for (std::size_t i = 1; i < count; ++i) {
    finite = finite && std::isfinite(values[i]);
    if (values[i] > values[best]) {
      second = values[best];
      best = i;
    } else {
      second = std::max(second, values[i]);
    }
  }
  if (!finite) fail_not_finite();
  const double lead = static_cast<double>(values[best]) - second;
  return {temperature_ > 0 ? draw(values, count) : static_cast<TokenId>(best), lead};
}

TokenId Sampler::draw(const float* logits, std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  if (top_k_ > 0) order.resize(std::min(top_k_, count));
  std::vector<double> weights;
  double sum = 0;
  for (const std::size_t i : order) {
    weights.push_back(std::exp((static_cast<double>(logits[i]) - logits[order[0]]) / temperature_));
    sum += weights.back();
  }
  // The fewest that together reach top_p.
  double kept = 0;
  std::size_t size = 0;
  while (size < weights.size() && (size == 0 || kept < top_p_ * sum)) kept += weights[size++];
  // 53 random bits: the standard's distributions differ between libraries.
  double rest = static_cast<double>(random_() >> 11) * 0x1p-53 * kept;
  std::size_t chosen = 0;
  while (chosen + 1 < size && rest >= weights[chosen]) rest -= weights[chosen++];
  return static_cast<TokenId>(order[chosen]);
}

double probability_of(TokenId token, const at::Tensor& logits) {
  return at::softmax(logits, -1)[token].item<double>();
}

}  // namespace medplib::core
