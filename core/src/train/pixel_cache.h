// Decoded training pictures. Any number of threads.
#pragma once

#include <opencv2/core/mat.hpp>

#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>

namespace medplib::core {

class PixelCache {
 public:
  // Keeps about this many bytes; those read first go first.
  explicit PixelCache(std::size_t bytes) : limit_(bytes) {}

  // Shared with the cache: not to be written to. Errors: as Image::read and Region::mask_file.
  cv::Mat rgb(const std::filesystem::path& path);   // CV_8UC3
  cv::Mat mask(const std::filesystem::path& path);  // CV_8UC1, 0 and 1

 private:
  cv::Mat get(const std::string& key, const std::function<cv::Mat()>& read);

  std::size_t limit_, held_ = 0;
  std::mutex mutex_;
  std::unordered_map<std::string, cv::Mat> pictures_;
  std::deque<std::string> order_;
};

}  // namespace medplib::core
