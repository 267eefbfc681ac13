// What a training works on: its recipe, the model that this names, the data, and the parameters as they
// start.
#pragma once

#include "model/folder.h"
#include "nn/network.h"
#include "train/batch.h"
#include "train/forward.h"
#include "train/parameter_set.h"
#include "train/recipe.h"

#include <string>
#include <vector>

namespace medplib::core {

struct TrainingSetup {
  // Errors: of Subject::Model or Data.
  TrainingSetup(const std::filesystem::path& recipe, const std::vector<std::string>& overrides,
                Values values = Values::Real);
  TrainingSetup(const TrainingSetup&) = delete;

  // For forward() and backward().
  Trainee trainee() const;

  // Whether the vectors of names are used.
  bool uses_names() const;

  Recipe recipe;
  FolderFacts facts;  // of the model that the recipe names
  BatchSampler batches;
  StartingValues start;
  ParameterSet parameters;
  Network network;
  TrainingParts parts;
};

}  // namespace medplib::core
