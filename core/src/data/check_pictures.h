// Opening the pictures that records name, each once.
#pragma once

#include "data/look.h"

#include <medplib/core/check.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <unordered_map>

namespace medplib::core {

struct PictureFacts {
  int width = 0, height = 0;  // 0: it cannot be read
  Look look{};
};

struct MaskFacts {
  int width = 0, height = 0;  // 0: it cannot be read
  bool empty = false, full = false, several_values = false;
};

class PictureChecks {
 public:
  // What is wrong with a file, in words that go on after its name.
  using Tell = std::function<void(DataFault, const std::string&)>;

  PictureFacts image(const std::filesystem::path& path, const Tell& tell);
  void mask(const std::filesystem::path& path, const PictureFacts& image, const Tell& tell);

 private:
  // By the hash of the path.
  std::unordered_map<std::size_t, PictureFacts> images_;
  std::unordered_map<std::size_t, MaskFacts> masks_;
};

}  // namespace medplib::core
