// The files that hold a model's weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace medplib::core {

struct WeightsInfo {
  std::vector<std::string> files;  // that are read, by name
  std::int64_t tensors = 0, bytes = 0;
  std::vector<std::string> left_alone;  // other weights and indices beside them
};

// "1206 tensors, 22858.9 MB, of model-00001-of-00005.safetensors, …": for a sentence.
std::string words_of(const WeightsInfo& weights);

}  // namespace medplib::core
