#include "train/setup.h"

#include "model/subject.h"

#include <medplib/core/error.h>

#include <utility>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kFeatureBytes = std::size_t{2} << 30;

Recipe read_checked(const fs::path& path, const std::vector<std::string>& overrides) {
  Recipe recipe = Recipe::read(path, overrides);
  if (recipe.stage) check_start(*recipe.stage, recipe.start);
  return recipe;
}

}  // namespace

TrainingSetup::TrainingSetup(const fs::path& path, const std::vector<std::string>& overrides, Values values)
    : recipe(read_checked(path, overrides)),
      facts(reading(Subject::Model, [&] { return FolderFacts(recipe.model); })),
      batches(recipe, facts),
      start(recipe.start, {.labels = batches.labels(), .adapters = recipe.lora.text()}),
      parameters(recipe, start, values),
      network(parameters, facts.config),
      parts(Scope(parameters, kTrainingOnly), facts.config, batches.image_label_count(),
            batches.structures()) {
  start.finish();
  recipe.count_steps(batches.records());
  reading(Subject::Data, [&] { parameters.check_patterns(); });
  if (recipe.augment) return;
  if (parameters.is_frozen("clip")) parts.clip_cache = std::make_shared<FeatureCache>(kFeatureBytes);
  if (parameters.is_frozen("sam.encoder")) parts.sam_cache = std::make_shared<FeatureCache>(kFeatureBytes);
}

Trainee TrainingSetup::trainee() const {
  std::optional<ExpertCapacity> capacity;
  if (recipe.expert_capacity > 0)
    capacity = ExpertCapacity{.factor = recipe.expert_capacity, .random = parameters.random()};
  return {.network = network,
          .parts = parts,
          .recipe = recipe,
          .geometry = facts.manifest.mask_geometry,
          .seg_token = facts.tokenizer.added("<SEG>"),
          .capacity = std::move(capacity)};
}

bool TrainingSetup::uses_names() const {
  return recipe.objective == Objective::Grounding || recipe.weight["name_link"] > 0;
}

}  // namespace medplib::core
