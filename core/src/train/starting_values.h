// The values that a training starts from: those of models, and of the outputs of earlier trainings.
#pragma once

#include "base/json.h"
#include "weights/parameters.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace medplib::core {

inline constexpr const char* kCheckpoint = "checkpoint.safetensors";  // in a training's output

// Before a parameter's name in a checkpoint: what the training teaches, or would teach if it didn't stand
// still; and what it only works with.
inline constexpr const char *kAverage = "average:", *kHeld = "held:";

// In a checkpoint's metadata.
inline constexpr const char* kLabels = "labels";      // what its heads tell apart
inline constexpr const char* kStart = "start";        // what the training started from: references()
inline constexpr const char* kAdapters = "adapters";  // the form of its LoRA, or none

// What there was in a folder when it was read: a SHA-256 of an output's checkpoint, or identity_of_model.
std::string identity_of(const std::filesystem::path& folder);

class StartingValues {
 public:
  // What a parameter of the training is compared with to find its value.
  struct Training {
    std::string labels;    // what its heads tell apart: those of another training are of no use
    std::string adapters;  // the form of its LoRA
  };

  // `folders`: later ones go before earlier ones. Before them all comes what they only held, and what these
  // trainings started from. Errors, of Subject::Data or Model: NotFound, Io, Format (damaged; not what it was
  // when a training started from it; LoRA of another form, whose matrices would be lost).
  StartingValues(std::vector<std::filesystem::path> folders, Training training);
  ~StartingValues();

  // Whether anybody gives this parameter's value.
  bool has(const ParameterSpec& spec);
  // That value, float32, not to be written to; nothing where nobody gives it. Errors: Format (another shape).
  std::optional<at::Tensor> find(const ParameterSpec& spec);

  // After the whole network was asked for. Errors: Format, when a model lacks something or has what the
  // network doesn't.
  void finish() const;

  // The folders with their identities, as a checkpoint keeps them.
  Json references() const;

 private:
  class Layer;
  class Taught;
  class Published;

  void add_held(const std::filesystem::path& folder);
  void add_taught(const std::filesystem::path& folder);
  Layer* layer_of(const ParameterSpec& spec);

  std::vector<std::filesystem::path> folders_;
  Training training_;
  std::vector<std::unique_ptr<Layer>> layers_;  // later ones go before earlier ones
};

}  // namespace medplib::core
