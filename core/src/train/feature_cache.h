// Features that frozen image towers compute of pictures that come back unchanged.
#pragma once

#include "nn/network.h"

#include <ATen/core/Tensor.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace medplib::core {

// Features by the content of the pixels that they were computed from. One thread.
class FeatureCache {
 public:
  using Features = std::vector<at::Tensor>;

  // Keeps about this many bytes; those made first go first.
  explicit FeatureCache(std::size_t bytes) : limit_(bytes) {}

  // The features of `pixels`, computed by `encode` unless they are kept.
  Features get(const at::Tensor& pixels, const std::function<Features()>& encode);

 private:
  std::size_t limit_, held_ = 0;
  std::map<std::string, Features> features_;  // by the SHA-256 of the pixels
  std::deque<std::string> order_;
};

// The towers on pictures (3, S, S) each, from and into `cache`, if there is one. With a cache they go one by
// one: what is kept must not depend on the pictures beside it.
at::Tensor encode_with_clip(const Network& network, const std::vector<at::Tensor>& pixels,
                            FeatureCache* cache);
ImageEmbedding encode_with_sam(const Network& network, const std::vector<at::Tensor>& pixels,
                               FeatureCache* cache);

}  // namespace medplib::core
