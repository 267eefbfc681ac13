// Model: weights and configuration on a device. Immutable after loading, shared by any number of threads.
#pragma once

#include <medplib/core/names.h>
#include <medplib/core/weights.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace medplib::core {

enum class Precision { Float32, BFloat16 };

template <>
struct Names<Precision> {
  static constexpr const char* kind = "precision";
  static constexpr NameTable<Precision, 2> all = {
      {{Precision::Float32, "float32"}, {Precision::BFloat16, "bfloat16"}}};
};

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

// Bytes that a process with a model takes, by what they hold.
struct MemoryInfo {
  // Weights used as the files store them: the system reads them as they are needed, and drops them when
  // memory is short.
  std::int64_t mapped = 0;
  std::int64_t weights = 0;  // those converted to another type, or copied to a device
  std::int64_t cache = 0;    // keys and values of a full context; a shorter conversation takes its part of it
  std::int64_t working = 0;  // most that is computed with at once, for one image and a question
  // LibTorch and the program, by what this process held of them when first asked.
  static std::int64_t program();
  std::int64_t resident() const { return weights + cache + working + program(); }  // what must stay
  std::int64_t total() const { return mapped + resident(); }
};

struct ModelInfo {
  std::filesystem::path folder;
  std::string name, stage, licence, intended_use;  // of the manifest; may be empty
  std::vector<std::string> trained_on;
  std::string storage;  // types of the stored tensors and their bytes: "int8 13.1 MB, float32 0.4 MB"
  std::string conversation_template, mask_geometry;
  double threshold = 0.5;          // default mask threshold
  bool refines = true;             // whether `refine` is for this model
  bool segments_in_region = true;  // whether `segment` takes regions
  bool estimates_iou = true;       // whether its masks have an IoU estimate
  std::vector<PartInfo> parts;
  std::int64_t parameters = 0, read_per_token = 0;
  std::vector<std::int64_t> experts;  // per language layer; 0 = dense
  std::int64_t experts_per_token = 1, image_tokens = 0, context = 0;
  WeightsInfo weights;
  MemoryInfo memory;
};

// Returns what `medplib info --json` prints: one JSON object.
std::string info_json(const ModelInfo& info);

// Reads what a folder holds from configuration, manifest and headers alone. Errors: as Model::load.
ModelInfo inspect(const std::filesystem::path& folder, Precision precision = Precision::Float32);

struct Verification {
  // What is wrong: hashes, names, shapes, types, values that are not finite, tokenizer. Empty: all is well.
  std::vector<std::string> problems;
  bool has_hashes = false;  // whether a medplib.json was there, whose hashes were compared
  WeightsInfo read;         // the weights whose values were looked at
};

// Returns what `medplib verify --json` prints: one JSON object.
std::string verification_json(const Verification& found);

// Checks a folder's hashes, names, shapes, types, tokenizer, and that all values are finite. `between` is
// called between files and tensors with the part of the weights' values that was looked at, and may stop the
// check by throwing Cancelled.
Verification verify(
    const std::filesystem::path& folder, const std::function<void(double)>& between = [](double) {});

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
