#include "train/checkpoint_file.h"

#include "base/files.h"
#include "model/subject.h"
#include "weights/safetensors.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <iterator>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

// In the metadata.
constexpr const char *kStep = "step", *kRecipe = "recipe", *kInputs = "inputs", *kBest = "best",
                     *kValidationDue = "validation_due";

// SHA-256 of what the recipe names and a resumed training must find unchanged.
Json hashes_of_inputs(const Recipe& recipe) {
  Json hashes;
  for (const auto& list : recipe.train)
    hashes[list == recipe.train.front() ? "train" : text_of("train: ", list.string())] = sha256_of_file(list);
  if (!recipe.validate.empty()) hashes["validate"] = sha256_of_file(recipe.validate);
  for (const char* name :
       {"config.json", "medplib.json", "tokenizer.model", "added_tokens.json", "tokenizer_config.json"})
    if (fs::exists(recipe.model / name))
      hashes[text_of("model/", name)] = sha256_of_file(recipe.model / name);
  return hashes;
}

}  // namespace

CheckpointFile::CheckpointFile(const fs::path& out, TrainingSetup& setup)
    : path_(out / kCheckpoint), setup_(setup) {
  reading(Subject::Data, [&] {
    inputs_ = hashes_of_inputs(setup.recipe);
    start_ = setup.start.references();
    for (const Json& folder : start_)
      inputs_[text_of("start: ", folder.at("folder").get<std::string>())] = folder.at("sha256");
  });
}

TrainState CheckpointFile::load(Optimizer& optimizer) const {
  const SafetensorsFile file = SafetensorsFile::open(path_);
  const auto& metadata = file.metadata();
  check_same_training(metadata);
  load_unchanged(file);
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, entry] : file.entries()) tensors[name] = file.tensor(name);
  optimizer.load_state(tensors);
  TrainState state;
  state.step = parse_json(metadata.at(kStep), path_.string()).get<std::int64_t>();
  state.validation_due = metadata.contains(kValidationDue);
  if (const auto best = metadata.find(kBest); best != metadata.end())
    state.best = parse_json(best->second, path_.string()).get<double>();
  return state;
}

void CheckpointFile::load_unchanged(const SafetensorsFile& file) const {
  for (const char* kind : {kHeld, kAverage})
    for (const Parameter& parameter : setup_.parameters.all())
      if (!parameter.is_trained() && file.entries().contains(kind + parameter.name))
        setup_.parameters.set(parameter.name, file.tensor(kind + parameter.name));
}

void CheckpointFile::check_same_training(const std::map<std::string, std::string>& metadata) const {
  for (const char* key : {kRecipe, kInputs, kStep})
    if (!metadata.contains(key))
      fail(ErrorCode::Format, path_, " does not say by which ", key, " it was made.");
  const std::string changed =
      difference(setup_.recipe.json, parse_json(metadata.at(kRecipe), path_.string()));
  const std::string instead = text_of(" Begin in another folder; \"start\": [\"",
                                      path_.parent_path().string(), "\"] keeps what was learnt.");
  if (!changed.empty()) fail(ErrorCode::State, path_, " was made by another recipe: ", changed, ".", instead);
  const Json before = parse_json(metadata.at(kInputs), path_.string());
  for (const auto& [input, hash] : inputs_.items())
    if (before.value(input, "") != hash)
      fail(ErrorCode::State, "What the recipe names as ", input, " has changed since ", path_, " was made.",
           instead);
}

void CheckpointFile::save(const TrainState& state, const Optimizer& optimizer) const {
  std::map<std::string, std::string> metadata{{kRecipe, setup_.recipe.json.dump()},
                                              {kInputs, inputs_.dump()},
                                              {kStart, start_.dump()},
                                              {kLabels, setup_.batches.labels()},
                                              {kStep, std::to_string(state.step)}};
  if (!setup_.recipe.lora.targets.empty()) metadata[kAdapters] = setup_.recipe.lora.text();
  if (state.best) metadata[kBest] = Json(*state.best).dump();
  if (state.validation_due) metadata[kValidationDue] = "true";
  NamedTensors tensors = optimizer.state();
  for (const auto& [name, value] : tensors)
    if (!at::isfinite(value).all().item<bool>())
      fail(ErrorCode::Internal, "After step ", state.step, " ", name,
           " is not finite, and is not saved: an earlier checkpoint is kept. Train with a lower "
           "learning_rate.");
  std::ranges::copy(setup_.parameters.unchanged(), std::back_inserter(tensors));
  write_safetensors(path_, tensors, metadata);
}

}  // namespace medplib::core
