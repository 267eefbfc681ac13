// How good the averaged weights of a training are on pictures that it does not learn from.
#pragma once

#include "train/setup.h"

#include <medplib/core/train.h>

#include <functional>

namespace medplib::core {

class Validation {
 public:
  // `averaged`: the weights to be judged, as they are when `run` is called. Errors: of Subject::Data.
  Validation(TrainingSetup& setup, const NamedTensors& averaged);

  // Draws a few pictures into `overlays`: what was drawn tinted, what should have been drawn outlined in
  // white. Changes nothing that the training works on. `between` is called before each picture and ends the
  // validation by throwing. Errors: of Subject::Data; Io.
  TrainValidation run(std::int64_t step, const std::filesystem::path& overlays,
                      const std::function<void()>& between);

  const std::vector<ImageRecords>& images() const { return images_; }

 private:
  struct Sums;
  void judge(const ImageRecords& image, Sums& sums, const std::filesystem::path& overlay);
  void count_routing(const Batch& batch, const LanguageOutput& language, RoutingByKind& sum) const;

  TrainingSetup& setup_;
  Recipe recipe_;  // the training's, without the weights of losses: nothing is minimised here
  std::vector<ImageRecords> images_;
  std::vector<std::size_t> overlaid_;  // those of which overlays are written
  Network network_;
  TrainingParts parts_;
};

// What a recipe's validation looks at: `validate_samples` records with masks and as many without, evenly out
// of each; when masks alone are taught, those whose structure is. What nothing can be learnt from
// (drop_unlearnable) is left out. Errors of Subject::Data: NotFound, Format (nothing is left).
std::vector<ImageRecords> validation_records(const Recipe& recipe, const std::set<std::string>& structures,
                                             const FolderFacts& model);

// A line of the log.
Json json_of(const TrainValidation& result);

// Higher is better: gIoU, or without masks how well the answers are foretold.
double score(const TrainValidation& result);

}  // namespace medplib::core
