// Which of a model folder's files hold its weights.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace medplib::core {

// The name of a folder's weights where they are one file.
inline constexpr const char* kSingleFile = "model.safetensors";

struct WeightFiles {
  std::vector<std::filesystem::path> read;  // safetensors files, by name; together all tensors
  // What an index says, tensor → file; empty where the files' own headers are the index.
  std::map<std::string, std::string> index;
  std::filesystem::path index_file;     // of `index`
  std::vector<std::string> left_alone;  // names of other weights and indices in the folder, by name
};

// FOLDER/model.safetensors; or else the files that FOLDER/model.safetensors.index.json names; or else, as
// published folders have them, the one set of NAME-0000N-of-0000M.safetensors, whatever a
// pytorch_model.bin.index.json beside them says. Errors: NotFound (no folder, no safetensors, some of a set
// missing), Io, Format (an index that cannot be used, shards of several sets).
WeightFiles find_weights(const std::filesystem::path& folder);

}  // namespace medplib::core
