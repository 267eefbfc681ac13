// What a training works on: its recipe, the model that this names, the data, and the parameters as they
// start.
#pragma once

#include "model/folder.h"
#include "nn/network.h"
#include "train/batch.h"
#include "train/forward.h"
#include "train/recipe.h"
#include "weights/sources.h"

#include <set>
#include <string>
#include <vector>

namespace medplib::core {

// Parameters under this name serve the training and are not part of the model.
inline constexpr const char* kTrainingOnly = "training";
inline constexpr const char* kNames = "training.names.";
inline constexpr const char* kLabels = "labels";  // in a checkpoint's metadata: what its heads tell apart
inline constexpr const char* kCheckpoint = "checkpoint.safetensors";

// "sam.encoder" of "sam.encoder.blocks.0…", "language" of "language.layers.0…".
std::string part_of(const std::string& parameter);

struct TrainingSetup {
  // Errors: of Subject::Model or Data.
  TrainingSetup(const std::filesystem::path& recipe, const std::vector<std::string>& overrides);
  TrainingSetup(const TrainingSetup&) = delete;

  // Whether nothing of a part, such as "clip" or "sam.encoder", is trained.
  bool is_frozen(const std::string& part) const;

  // The parameters that this training changes; no others have a gradient.
  NamedTensors trained() const;
  // What this training works with but doesn't change, by its names in a checkpoint, since later trainings
  // that start from this one need the same: "average:" for what belongs to what it teaches (SAM's Fourier
  // matrix, names that stand still), "held:" for the rest (frozen parts, what it was given).
  NamedTensors unchanged() const;
  // Loads what a checkpoint holds of what this training doesn't change, when it goes on.
  void load_unchanged(const std::filesystem::path& checkpoint);

  // For forward() and backward().
  Trainee trainee() const;

  // Whether the vectors of names are used; and those that nothing in `start` gave.
  bool uses_names() const;
  std::vector<std::string> missing_names() const;
  // Whether the language model was taught before, so that it has words for names.
  bool has_words() const;

  Recipe recipe;
  FolderFacts facts;  // of the model that the recipe names
  FreshParameters parameters;
  Network network;
  BatchSampler batches;
  TrainingParts parts;
  std::set<std::string> given;  // parameters that do not start at random

 private:
  void start();
  // What a checkpoint holds of parameters under names that begin so.
  void load(const std::filesystem::path& checkpoint, const std::string& kind);
  void start_from(const std::filesystem::path& folder);  // an earlier training's output, or a model
  void start_from_model(const std::filesystem::path& folder);
};

}  // namespace medplib::core
