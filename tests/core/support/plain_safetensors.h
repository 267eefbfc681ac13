// Golden arrays for tests that do without tensors: u8 and f32 of a safetensors file.
#pragma once

#include "support/folders.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace medplib::test {

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

class PlainSafetensors {
 public:
  explicit PlainSafetensors(const std::filesystem::path& path) : bytes_(bytes_of(path)) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), sizeof length);
    data_ = sizeof length + length;
    header_ = nlohmann::json::parse(bytes_.substr(sizeof length, length));
  }

  bool has(const std::string& name) const { return header_.contains(name); }
  std::vector<int> shape(const std::string& name) const { return header_.at(name).at("shape"); }
  std::vector<std::uint8_t> u8(const std::string& name) const { return values<std::uint8_t>(name, "U8"); }
  std::vector<float> f32(const std::string& name) const { return values<float>(name, "F32"); }

 private:
  template <class T>
  std::vector<T> values(const std::string& name, const std::string& type) const {
    const auto& entry = header_.at(name);
    if (entry.at("dtype") != type) throw std::runtime_error(name + " is not of type " + type);
    const std::size_t begin = entry.at("data_offsets").at(0), end = entry.at("data_offsets").at(1);
    std::vector<T> out((end - begin) / sizeof(T));
    std::memcpy(out.data(), bytes_.data() + data_ + begin, end - begin);
    return out;
  }

  std::string bytes_;
  std::size_t data_ = 0;
  nlohmann::json header_;
};

}  // namespace medplib::test
