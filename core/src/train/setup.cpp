#include "train/setup.h"

#include "train/reading.h"
#include "weights/checkpoint.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

Tokenizer read_tokenizer(const fs::path& model, const ModelConfig& config) {
  Tokenizer tokenizer = Tokenizer::load(model);
  if (tokenizer.vocabulary_size() != config.language.vocabulary)
    fail(ErrorCode::Format, model, ": vocab_size is ", config.language.vocabulary, ", but the tokenizer has ",
         tokenizer.vocabulary_size(), " entries.");
  return tokenizer;
}

void start_from_training(const fs::path& checkpoint, const NamedTensors& parameters) {
  const SafetensorsFile file = SafetensorsFile::open(checkpoint);
  for (const auto& [name, value] : parameters) {
    if (!file.entries().contains("average:" + name)) continue;
    const at::Tensor earlier = file.tensor("average:" + name);
    if (earlier.sizes() != value.sizes())
      fail(ErrorCode::Format, checkpoint, ": ", name, " has another shape than in this model.");
    value.detach().copy_(earlier);
  }
}

void start_from_model(const fs::path& folder, const NamedTensors& parameters) {
  Checkpoint model(folder, at::kFloat, at::kCPU);
  for (const auto& [name, value] : parameters)
    if (!name.starts_with(kTrainingOnly))
      value.detach().copy_(model.take({.name = name, .shape = value.sizes().vec()}));
  model.finish();
}

// Of an earlier training, or a model.
void start_from(const fs::path& folder, const NamedTensors& parameters) {
  const c10::NoGradGuard no_grad;
  if (fs::exists(folder / kCheckpoint))
    start_from_training(folder / kCheckpoint, parameters);
  else
    start_from_model(folder, parameters);
}

// Whether a stage teaches a parameter.
bool taught(Stage stage, const std::string& name) {
  const bool is_name = name.starts_with("training.names.");
  const bool draws = is_name || name.starts_with("sam.") || name.starts_with("training.sam.");
  if (stage == Stage::Joint) return !is_name;
  return draws == (stage == Stage::Grounding);
}

}  // namespace

TrainingSetup::TrainingSetup(const fs::path& path, const std::vector<std::string>& overrides)
    : recipe(reading(TrainInput::Data, [&] { return Recipe::read(path, overrides); })),
      config(reading(TrainInput::Model, [&] { return ModelConfig::read(recipe.model / "config.json"); })),
      tokenizer(reading(TrainInput::Model, [&] { return read_tokenizer(recipe.model, config); })),
      manifest(reading(TrainInput::Model, [&] { return read_manifest(recipe.model); })),
      conversation(
          reading(TrainInput::Model, [&] { return conversation_template(manifest.conversation_template); })),
      parameters(recipe.seed),
      network(parameters, config),
      batches(reading(TrainInput::Data, [&] { return BatchMaker(recipe, config, tokenizer, conversation); })),
      parts(Scope(parameters, kTrainingOnly), config, batches) {
  for (const auto& folder : recipe.start)
    reading(TrainInput::Data, [&] { start_from(folder, parameters.all()); });
  for (const auto& [name, value] : parameters.all())
    if (!taught(recipe.stage, name)) value.set_requires_grad(false);
}

NamedTensors TrainingSetup::trained() const {
  NamedTensors result;
  for (const auto& [name, value] : parameters.all())
    if (value.requires_grad()) result.emplace_back(name, value);
  return result;
}

}  // namespace medplib::core
