#include "train/setup.h"

#include "train/subject.h"
#include "weights/checkpoint.h"
#include "weights/safetensors.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

// Before a parameter's name in a checkpoint.
const std::string kAverage = "average:", kHeld = "held:";

// Heads serve the training alone, and tell apart what its data has.
bool is_head(const std::string& name) { return name.starts_with(kTrainingOnly) && !name.starts_with(kNames); }

bool is_name(const std::string& parameter) { return parameter.starts_with(kNames); }

// Whether a parameter belongs to what the recipe's stage teaches.
bool in_stage(const TrainingSetup& setup, const std::string& name) {
  if (setup.recipe.stage == Stage::Joint) return !is_name(name);
  const bool draws = is_name(name) || name.starts_with("sam.") || name.starts_with("training.sam.");
  return draws == (setup.recipe.stage == Stage::Grounding);
}

bool is_under(const std::string& name, const std::string& beginning) {
  return name == beginning || name.starts_with(beginning + ".");
}

// Whether the recipe lets a parameter be taught.
bool is_trainable(const TrainingSetup& setup, const std::string& name) {
  return in_stage(setup, name) && std::ranges::none_of(setup.recipe.freeze, [&](const std::string& frozen) {
           return is_under(name, frozen);
         });
}

// Names stand still when a model has words for them.
bool is_trained(const TrainingSetup& setup, const std::string& name) {
  return is_trainable(setup, name) && !(is_name(name) && setup.has_words());
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
    if (!is_trained(setup, name)) value.set_requires_grad(false);
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
    : recipe(Recipe::read(path, overrides)),
      facts(reading(Subject::Model, [&] { return FolderFacts(recipe.model); })),
      parameters(recipe.seed),
      network(parameters, facts.config),
      batches(recipe, facts),
      parts(Scope(parameters, kTrainingOnly), facts.config, batches.image_label_count(),
            batches.structures()) {
  reading(Subject::Data, [&] { start(); });
  if (recipe.augment) return;
  if (is_frozen("clip")) parts.clip_cache = std::make_shared<FeatureCache>(kFeatureBytes);
  if (is_frozen("sam.encoder")) parts.sam_cache = std::make_shared<FeatureCache>(kFeatureBytes);
}

// First what trainings only held, which may be older than what another taught.
void TrainingSetup::start() {
  for (const auto& folder : recipe.start)
    if (fs::exists(folder / kCheckpoint)) load(folder / kCheckpoint, kHeld);
  for (const auto& folder : recipe.start) start_from(folder);
  freeze(*this);
}

void TrainingSetup::load(const fs::path& checkpoint, const std::string& kind) {
  const c10::NoGradGuard no_grad;
  const SafetensorsFile file = SafetensorsFile::open(checkpoint);
  const auto labels = file.metadata().find(kLabels);
  const bool same_heads = labels != file.metadata().end() && labels->second == batches.labels();
  for (const auto& [name, value] : parameters.all()) {
    if (!file.entries().contains(kind + name)) continue;
    if (is_head(name) && !same_heads) continue;
    const at::Tensor earlier = file.tensor(kind + name);
    if (earlier.sizes() != value.sizes())
      fail(ErrorCode::Format, checkpoint, ": ", name, " has another shape than in this model.");
    value.detach().copy_(earlier);
    given.insert(name);
  }
}

void TrainingSetup::start_from(const fs::path& folder) {
  if (fs::exists(folder / kCheckpoint))
    load(folder / kCheckpoint, kAverage);
  else
    reading(fs::exists(folder) ? Subject::Model : Subject::Data, [&] { start_from_model(folder); });
}

void TrainingSetup::start_from_model(const fs::path& folder) {
  const c10::NoGradGuard no_grad;
  Checkpoint model(folder, at::kFloat, at::kCPU);
  for (const auto& [name, value] : parameters.all()) {
    if (name.starts_with(kTrainingOnly)) continue;
    value.detach().copy_(model.take({.name = name, .shape = value.sizes().vec()}));
    given.insert(name);
  }
  model.finish();
}

void TrainingSetup::load_unchanged(const fs::path& checkpoint) {
  load(checkpoint, kHeld);
  load(checkpoint, kAverage);
}

NamedTensors TrainingSetup::unchanged() const {
  NamedTensors result;
  for (const auto& [name, value] : parameters.all()) {
    if (value.requires_grad()) continue;
    if (is_trainable(*this, name))
      result.emplace_back(kAverage + name, value);
    else if (in_stage(*this, name) || given.contains(name))
      result.emplace_back(kHeld + name, value);
  }
  return result;
}

Trainee TrainingSetup::trainee() const {
  return {.network = network,
          .parts = parts,
          .recipe = recipe,
          .geometry = facts.manifest.mask_geometry,
          .seg_token = facts.tokenizer.added("<SEG>")};
}

bool TrainingSetup::uses_names() const {
  return recipe.stage == Stage::Grounding || recipe.weight["name_link"] > 0;
}

bool TrainingSetup::has_words() const {
  return std::ranges::any_of(given, [](const std::string& name) { return is_under(name, "language"); });
}

std::vector<std::string> TrainingSetup::missing_names() const {
  std::vector<std::string> names;
  for (const auto& [name, vector] : parts.names)
    if (!given.contains(kNames + name)) names.push_back(name);
  return names;
}

bool TrainingSetup::is_frozen(const std::string& part) const {
  return std::ranges::none_of(parameters.all(), [&](const auto& named) {
    return named.second.requires_grad() && is_under(named.first, part);
  });
}

NamedTensors TrainingSetup::trained() const {
  NamedTensors result;
  for (const auto& [name, value] : parameters.all())
    if (value.requires_grad()) result.emplace_back(name, value);
  return result;
}

}  // namespace medplib::core
