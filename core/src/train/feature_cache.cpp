#include "train/feature_cache.h"

#include "base/files.h"

#include <ATen/ATen.h>

namespace medplib::core {
namespace {

std::string content_of(const at::Tensor& pixels) {
  const at::Tensor whole = pixels.contiguous();
  return sha256_of({static_cast<const char*>(whole.const_data_ptr()), whole.nbytes()});
}

std::size_t bytes_of(const FeatureCache::Features& features) {
  std::size_t bytes = 0;
  for (const auto& feature : features) bytes += feature.nbytes();
  return bytes;
}

}  // namespace

FeatureCache::Features FeatureCache::get(const at::Tensor& pixels, const std::function<Features()>& encode) {
  const std::string key = content_of(pixels);
  if (const auto found = features_.find(key); found != features_.end()) return found->second;
  Features features = encode();
  features_[key] = features;
  order_.push_back(key);
  held_ += bytes_of(features);
  while (held_ > limit_) {
    held_ -= bytes_of(features_.at(order_.front()));
    features_.erase(order_.front());
    order_.pop_front();
  }
  return features;
}

at::Tensor encode_with_clip(const Network& network, const std::vector<at::Tensor>& pixels,
                            FeatureCache* cache) {
  if (cache == nullptr) return network.clip(at::stack(pixels));
  std::vector<at::Tensor> images;
  for (const auto& image : pixels)
    images.push_back(
        cache->get(image, [&] { return FeatureCache::Features{network.clip(image.unsqueeze(0))}; })[0]);
  return at::cat(images);
}

ImageEmbedding encode_with_sam(const Network& network, const std::vector<at::Tensor>& pixels,
                               FeatureCache* cache) {
  if (cache == nullptr) return network.sam_encoder(at::stack(pixels));
  std::vector<FeatureCache::Features> levels;  // [level][image]: the embedding, then the skips
  for (const auto& image : pixels) {
    const FeatureCache::Features found = cache->get(image, [&] {
      const ImageEmbedding embedding = network.sam_encoder(image.unsqueeze(0));
      FeatureCache::Features features{embedding.embedding};
      features.insert(features.end(), embedding.skips.begin(), embedding.skips.end());
      return features;
    });
    levels.resize(found.size());
    for (std::size_t i = 0; i < found.size(); ++i) levels[i].push_back(found[i]);
  }
  ImageEmbedding all{.embedding = at::cat(levels[0]), .skips = {}};
  for (std::size_t i = 1; i < levels.size(); ++i) all.skips.push_back(at::cat(levels[i]));
  return all;
}

}  // namespace medplib::core
