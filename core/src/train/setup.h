// What a training works on: its recipe, the model that this names, the data, and the parameters as they
// start.
#pragma once

#include "nn/medplib.h"
#include "train/batch.h"
#include "train/forward.h"
#include "train/recipe.h"
#include "weights/manifest.h"

namespace medplib::core {

// Parameters under this name serve the training and are not part of the model.
inline constexpr const char* kTrainingOnly = "training";
inline const std::string kConstant = "constant:";  // before a name in a checkpoint
inline constexpr const char* kCheckpoint = "checkpoint.safetensors";

// "sam.encoder" of "sam.encoder.blocks.0…", "language" of "language.layers.0…".
std::string part_of(const std::string& parameter);

struct TrainingSetup {
  // Errors: TrainInputError.
  TrainingSetup(const std::filesystem::path& recipe, const std::vector<std::string>& overrides);
  TrainingSetup(const TrainingSetup&) = delete;

  // Whether nothing of a part, such as "clip" or "sam.encoder", is trained.
  bool is_frozen(const std::string& part) const;

  // The parameters that this training changes; no others have a gradient.
  NamedTensors trained() const;
  // What was drawn at random for the parts that this training teaches and stays so (SAM's Fourier matrix), by
  // the names that it has in a checkpoint: later trainings that start from this one need the same.
  NamedTensors constants() const;

  Recipe recipe;
  ModelConfig config;
  Tokenizer tokenizer;
  Manifest manifest;
  ConversationTemplate conversation;
  FreshParameters parameters;
  Network network;
  BatchMaker batches;
  TrainingParts parts;
  bool starts_from_model = false;  // not only from earlier trainings

 private:
  void start_from(const std::filesystem::path& folder);  // an earlier training's output, or a model
};

}  // namespace medplib::core
