// Golden outputs of the published implementation, and how close to them a result is.
#pragma once

#include "support/folders.h"

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace medplib::test {

// All tensors of a safetensors file, by name; `file` as golden() takes it.
std::map<std::string, at::Tensor> load_golden(const std::filesystem::path& file);

// Largest absolute difference ÷ largest absolute expected value; infinite when the shapes differ or a value
// is not finite.
double relative_error(const at::Tensor& got, const at::Tensor& expected);

struct GoldenCase {
  std::string name;                  // "s00_emits_seg"
  std::filesystem::path folder;      // with NAME.json, .safetensors, .image.png …
  std::filesystem::path checkpoint;  // the folder with its weights
  std::filesystem::path file(const std::string& suffix) const { return golden(folder / (name + suffix)); }
  friend void PrintTo(const GoldenCase& one, std::ostream* out) { *out << one.name; }
};

// The cases that cases/index.json lists; a set need not have all files of each.
std::vector<GoldenCase> golden_cases(const std::filesystem::path& root = golden_root());

// Letters, digits and underscores alone, as the name of a test must be.
std::string test_name_of(std::string name);

// The checkpoint folders under ckpt/, by name.
std::vector<std::filesystem::path> golden_checkpoints();

}  // namespace medplib::test
