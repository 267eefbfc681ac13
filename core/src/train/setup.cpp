#include "train/setup.h"

#include "train/reading.h"
#include "weights/checkpoint.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

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
    for (const std::string& kept : {"average:" + name, kConstant + name}) {
      if (!file.entries().contains(kept)) continue;
      const at::Tensor earlier = file.tensor(kept);
      if (earlier.sizes() != value.sizes())
        fail(ErrorCode::Format, checkpoint, ": ", name, " has another shape than in this model.");
      value.detach().copy_(earlier);
    }
  }
}

void start_from_model(const fs::path& folder, const NamedTensors& parameters) {
  Checkpoint model(folder, at::kFloat, at::kCPU);
  for (const auto& [name, value] : parameters)
    if (!name.starts_with(kTrainingOnly))
      value.detach().copy_(model.take({.name = name, .shape = value.sizes().vec()}));
  model.finish();
}

// Whether the recipe's stage teaches a parameter. Names stand still when a model has words for them.
bool taught(const TrainingSetup& setup, const std::string& name) {
  const bool is_name = name.starts_with("training.names.");
  const bool draws = is_name || name.starts_with("sam.") || name.starts_with("training.sam.");
  if (is_name && setup.starts_from_model) return false;
  if (setup.recipe.stage == Stage::Joint) return !is_name;
  return draws == (setup.recipe.stage == Stage::Grounding);
}

bool is_under(const std::string& name, const std::string& beginning) {
  return name == beginning || name.starts_with(beginning + ".");
}

// Whether the recipe lets a parameter be trained.
bool is_free(const TrainingSetup& setup, const std::string& name) {
  return taught(setup, name) && std::ranges::none_of(setup.recipe.freeze, [&](const std::string& frozen) {
           return is_under(name, frozen);
         });
}

// Errors: Format, when the recipe freezes what isn't there, or everything.
void freeze(const TrainingSetup& setup) {
  const NamedTensors& parameters = setup.parameters.all();
  for (const auto& beginning : setup.recipe.freeze) {
    if (std::ranges::any_of(parameters, [&](const auto& named) { return is_under(named.first, beginning); }))
      continue;
    std::vector<std::string> parts;
    for (const auto& [name, value] : parameters)
      if (std::ranges::find(parts, part_of(name)) == parts.end()) parts.push_back(part_of(name));
    std::string list;
    for (const auto& part : parts) list += (list.empty() ? "" : ", ") + part;
    fail(ErrorCode::Format, "\"freeze\" names ", beginning, ", but no parameter begins so. The parts are ",
         list, ".");
  }
  bool any = false;
  for (const auto& [name, value] : parameters) {
    if (!is_free(setup, name)) value.set_requires_grad(false);
    any = any || value.requires_grad();
  }
  if (!any) fail(ErrorCode::Format, "\"freeze\" leaves nothing to train in this stage.");
}

constexpr std::size_t kFeatureBytes = std::size_t{2} << 30;

}  // namespace

std::string part_of(const std::string& name) {
  const std::size_t first = name.find('.');
  return name.substr(0, name.starts_with("sam.") ? name.find('.', first + 1) : first);
}

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
      parts(Scope(parameters, kTrainingOnly), config, batches.image_label_count(), batches.structures()) {
  for (const auto& folder : recipe.start) reading(TrainInput::Data, [&] { start_from(folder); });
  reading(TrainInput::Data, [&] { freeze(*this); });
  if (recipe.augment) return;
  if (is_frozen("clip")) parts.seen_by_clip = std::make_shared<FeatureCache>(kFeatureBytes);
  if (is_frozen("sam.encoder")) parts.seen_by_sam = std::make_shared<FeatureCache>(kFeatureBytes);
}

void TrainingSetup::start_from(const fs::path& folder) {
  const c10::NoGradGuard no_grad;
  if (fs::exists(folder / kCheckpoint)) {
    start_from_training(folder / kCheckpoint, parameters.all());
  } else {
    start_from_model(folder, parameters.all());
    starts_from_model = true;
  }
}

bool TrainingSetup::is_frozen(const std::string& part) const {
  return std::ranges::none_of(parameters.all(), [&](const auto& named) {
    return named.second.requires_grad() && is_under(named.first, part);
  });
}

NamedTensors TrainingSetup::constants() const {
  NamedTensors result;
  for (const auto& [name, value] : parameters.all())
    if (is_free(*this, name) && !value.requires_grad()) result.emplace_back(kConstant + name, value);
  return result;
}

NamedTensors TrainingSetup::trained() const {
  NamedTensors result;
  for (const auto& [name, value] : parameters.all())
    if (value.requires_grad()) result.emplace_back(name, value);
  return result;
}

}  // namespace medplib::core
