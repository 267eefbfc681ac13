#include "base/process.h"
#include "ops/own_state.h"
#include "train/file_warnings.h"
#include "train/memory_peak.h"
#include "train/setup.h"
#include "train/split.h"
#include "train/validation.h"

#include <medplib/core/train.h>

#include <algorithm>

namespace medplib::core {
namespace {

TrainSet& set_named(std::vector<TrainSet>& sets, const std::string& name) {
  const auto found = std::ranges::find(sets, name, &TrainSet::name);
  return found != sets.end() ? *found : sets.emplace_back(TrainSet{.name = name});
}

// In the order of their names.
std::vector<TrainSet> sets_of(const std::vector<ImageRecords>& images) {
  std::vector<TrainSet> sets;
  for (const auto& image : images) {
    TrainSet& set = set_named(sets, image.set);
    ++set.images;
    set.questions += static_cast<std::int64_t>(image.records.size());
    for (const auto& record : image.records) set.masks += static_cast<std::int64_t>(record.masks.size());
  }
  std::ranges::sort(sets, {}, &TrainSet::name);
  return sets;
}

std::vector<TrainPart> parts_of(const ParameterSet& parameters) {
  std::vector<TrainPart> parts;
  for (const Parameter& parameter : parameters.all()) {
    const std::string name = part_of(parameter.name);
    const auto found = std::ranges::find(parts, name, &TrainPart::name);
    TrainPart& part = found != parts.end() ? *found : parts.emplace_back(TrainPart{.name = name});
    TensorCount& count = parameter.is_trained() ? part.trained : part.frozen;
    ++count.tensors;
    count.parameters += parameter.value.numel();
  }
  return parts;
}

// The most that a step like the first needs at once on its way forward: that of its largest part.
std::int64_t activation_bytes(TrainingSetup& setup) {
  const Batch batch = setup.batches.batch(0);
  const BatchCounts whole = counts_of(batch);
  std::int64_t most = 0;
  for (const Batch& part : split(batch, setup.recipe.accumulate)) {
    const MemoryPeak peak;
    const Forward kept = forward(setup.trainee(), part, whole, setup.recipe.seed);
    most = std::max(most, peak.bytes());
  }
  return most;
}

}  // namespace

TrainPlan plan_training(const std::filesystem::path& recipe, const TrainOptions& options) {
  check_not_forked();
  const OwnState own;
  TrainingSetup setup(recipe, options.overrides);
  TrainPlan plan{.steps = setup.recipe.steps,
                 .parts = parts_of(setup.parameters),
                 .sets = sets_of(setup.batches.images())};
  plan.left_out = setup.batches.left_out();
  std::vector<ImageRecords> judged;
  if (!setup.recipe.validate.empty())
    judged = validation_records(setup.recipe, setup.batches.structures(), setup.facts);
  plan.validation = sets_of(judged);
  plan.warnings = warnings_of_files({setup.batches.images(), judged}, setup.facts.config.clip);
  for (const Parameter& parameter : setup.parameters.all()) {
    const auto bytes = static_cast<std::int64_t>(parameter.value.nbytes());
    plan.weight_bytes += bytes;
    if (!parameter.is_trained()) continue;
    plan.gradient_bytes += bytes;
    plan.optimizer_bytes += 3 * bytes;  // two moments and the average
  }
  plan.activation_bytes = activation_bytes(setup);
  return plan;
}

}  // namespace medplib::core
