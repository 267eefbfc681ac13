#include "train/pixel_cache.h"

#include <medplib/core/image.h>
#include <medplib/core/region.h>

namespace medplib::core {
namespace {

std::size_t bytes_of(const cv::Mat& picture) { return picture.total() * picture.elemSize(); }

}  // namespace

cv::Mat PixelCache::rgb(const std::filesystem::path& path) {
  return get("rgb " + path.string(), [&] { return Image::read(path).rgb(); });
}

cv::Mat PixelCache::mask(const std::filesystem::path& path) {
  return get("mask " + path.string(), [&] {
    const Region region = Region::mask_file(path);
    return std::get<Region::MaskShape>(region.shape()).mask;
  });
}

cv::Mat PixelCache::get(const std::string& key, const std::function<cv::Mat()>& read) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = pictures_.find(key);
    if (found != pictures_.end()) return found->second;
  }
  cv::Mat picture = read();  // without the lock: two threads may both read it, and one of them keeps it
  const std::lock_guard lock(mutex_);
  if (!pictures_.try_emplace(key, picture).second) return picture;
  order_.push_back(key);
  held_ += bytes_of(picture);
  while (held_ > limit_ && order_.size() > 1) {
    const auto oldest = pictures_.find(order_.front());
    held_ -= bytes_of(oldest->second);
    pictures_.erase(oldest);
    order_.pop_front();
  }
  return picture;
}

}  // namespace medplib::core
