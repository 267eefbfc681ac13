// Model: weights and configuration on a device. Immutable after loading, shared by any number of threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace medplib::core {

enum class Precision { Float32, BFloat16 };

struct LoadOptions {
  std::string device = "auto";  // "auto" (a GPU if there is one), "cpu", "cuda", "cuda:N"
  Precision precision = Precision::Float32;
  // Called with the fraction loaded so far, 0 … 1. Returning false makes load throw Cancelled.
  std::function<bool(double)> progress = {};
};

// A part of the network, for `medplib info`.
struct PartInfo {
  std::string name;  // "language", "clip", "projector", "region adapter", "mask prompt", "image encoder",
                     // "mask decoder"
  std::int64_t parameters = 0;
  std::int64_t read_per_token = 0;  // parameters read to decode one token; 0 outside the language model
  // Its sizes: "layers", "width", "heads", "ffn", "image_size" …, as far as the part has them.
  std::vector<std::pair<std::string, std::int64_t>> sizes;
};

struct ModelInfo {
  std::filesystem::path folder;
  std::string name, stage, licence, intended_use;  // of the manifest; may be empty
  std::vector<std::string> trained_on;
  std::string storage;  // types of the stored tensors and their bytes: "int8 13.1 MB, float32 0.4 MB"
  std::string conversation_template, mask_geometry;
  double threshold = 0.5;  // default mask threshold
  bool refines = true;     // whether `refine` is for this model
  std::vector<PartInfo> parts;
  std::int64_t parameters = 0, read_per_token = 0;
  std::vector<std::int64_t> experts;  // per language layer; 0 = dense
  std::int64_t experts_per_token = 1, image_tokens = 0, context = 0;
  // Of a process with this model: weights as loaded at this precision, a session with full context, and the
  // program itself.
  std::int64_t memory_bytes = 0;
};

// Returns what `medplib info --json` prints: one JSON object.
std::string info_json(const ModelInfo& info);

// Reads what a folder holds from configuration, manifest and headers alone. Errors: as Model::load.
ModelInfo inspect(const std::filesystem::path& folder, Precision precision = Precision::Float32);

// Checks a folder's hashes, names, shapes, types, tokenizer, and that all values are finite. Returns a
// sentence for each fault; none when there is none. `between` is called between files and tensors, and may
// stop the check by throwing Cancelled.
std::vector<std::string> verify(
    const std::filesystem::path& folder, const std::function<void()>& between = [] {});

// Returns the folder of the model inside this checkout or installation: $MEDPLIB_MODEL, else models/tiny
// beside the program or library. Errors: NotFound.
std::filesystem::path embedded_model();

struct LoadedModel;  // the network, tokenizer and manifest: model/loaded_model.h

class Model {
 public:
  // Errors: NotFound (folder or a file of it), Format (anything damaged, one error lists all tensors at
  // fault), Unsupported, Device, OutOfHostMemory, OutOfDeviceMemory, Cancelled.
  static Model load(const std::filesystem::path& folder, const LoadOptions& options = {});

  const ModelInfo& info() const;
  std::string device() const;  // "cpu", "cuda:0"
  Precision precision() const;
  const std::shared_ptr<const LoadedModel>& loaded() const { return loaded_; }

 private:
  explicit Model(std::shared_ptr<const LoadedModel> loaded) : loaded_(std::move(loaded)) {}
  std::shared_ptr<const LoadedModel> loaded_;
};

}  // namespace medplib::core
