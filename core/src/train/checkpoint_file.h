// The file from which a training goes on.
#pragma once

#include "train/optimizer.h"
#include "train/setup.h"

#include <filesystem>
#include <optional>

namespace medplib::core {

// How far a training is.
struct TrainState {
  std::int64_t step = 0;        // of those that are done
  std::optional<double> best;   // the best score of a validation so far
  bool validation_due = false;  // that of the last step was stopped in the middle
};

// OUT/checkpoint.safetensors: what is trained with all that its optimizer keeps, what stands still and isn't
// to be had from elsewhere, and of what recipe and data it is.
class CheckpointFile {
 public:
  // The setup outlives it. Errors of Subject::Data: Io, NotFound (what the recipe names).
  CheckpointFile(const std::filesystem::path& out, TrainingSetup& setup);

  const std::filesystem::path& path() const { return path_; }

  // Puts what the file holds into the setup's parameters and the optimizer. Errors: State (another recipe, or
  // what it names has changed), Format.
  TrainState load(Optimizer& optimizer) const;

  // Errors: Io, Internal (a value is not finite: the earlier file is kept).
  void save(const TrainState& state, const Optimizer& optimizer) const;

 private:
  void check_same_training(const std::map<std::string, std::string>& metadata) const;
  void load_unchanged(const SafetensorsFile& file) const;

  std::filesystem::path path_;
  TrainingSetup& setup_;
  Json inputs_, start_;  // identities of what the recipe names, and of what it starts from
};

}  // namespace medplib::core
