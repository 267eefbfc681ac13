// A training step's way through the network: all losses of a batch.
#pragma once

#include "model/manifest.h"
#include "nn/network.h"
#include "train/batch.h"
#include "train/feature_cache.h"
#include "train/recipe.h"
#include "train/split.h"

#include <optional>

namespace medplib::core {

// Before the names of what exists during training alone, and of the vectors that stand for names.
inline constexpr const char* kTrainingOnly = "training";
inline constexpr const char* kNames = "training.names.";

// What exists during training alone.
struct TrainingParts {
  TrainingParts(const Scope& scope, const ModelConfig& config, std::int64_t image_labels,
                const std::set<std::string>& structures);
  // They name the kind of picture from what each image tower sees, which teaches the towers long before words
  // and masks do.
  Linear clip_label, sam_label;
  Linear structure_label;  // of a cell of CLIP's grid, in the order of `names`
  // By structure: the text prompt (channels) that stands for its name while what draws and what answers are
  // taught apart.
  std::map<std::string, at::Tensor> names;
  std::int64_t label_of(const std::string& structure) const;
  // Of an image tower that is frozen and gets pictures as they are; else null.
  std::shared_ptr<FeatureCache> clip_cache, sam_cache;
};

// The text prompts (channels) that the language model says for the batch's targets, put to those of their
// name.
void add_text_prompts(std::map<std::string, std::vector<at::Tensor>>& by_name, const Network& network,
                      const Batch& batch, std::int64_t seg_token);

// What is trained, and how: the same for all steps.
struct Trainee {
  const Network& network;
  const TrainingParts& parts;
  const Recipe& recipe;
  MaskGeometry geometry;
  std::int64_t seg_token;
  std::optional<ExpertCapacity> capacity = {};  // of the experts; none: they take all that chose them
};

// The losses of a batch, or of a part of one: its share, so that the parts' sum is the batch's.
struct Losses {
  Losses();  // all 0
  at::Tensor& operator[](LossKey key) { return each[key]; }
  const at::Tensor& operator[](LossKey key) const { return each[key]; }

  at::Tensor
      total;  // Σ weight · loss, the router's weight times that of cross_entropy: scalar, with gradient
  PerLoss<at::Tensor> each;  // unweighted; 0 where the batch has none or it isn't computed
};

// Whether it has a weight, or is computed always.
bool is_computed(const Recipe& recipe, LossKey key);

// The losses of a batch, and what they were computed from.
struct Forward {
  Losses losses;
  LanguageOutput language;  // of the batch's sequences, padding too; nothing with objective "grounding"
  at::Tensor text_prompts;  // (targets, channels): of each <SEG>, or each target's name
  // (targets) bool: whether <SEG> is the likeliest token there; nothing with objective "grounding"
  at::Tensor predicts_seg;
  DecodedMasks masks;                   // (targets, 1, n, n), (targets, 1): drawn from the text prompts
  std::vector<at::Tensor> mask_logits;  // (H, W) of each target, at image size
};

// `whole`: the counts of the batch that `batch` is a part of, or its own. `seed` decides on the clicks and
// boxes that the mask decoder is taught to follow, alike in a batch and in its parts.
Forward forward(const Trainee& trainee, const Batch& batch, const BatchCounts& whole, std::uint64_t seed);

// The losses of a batch, without gradient. The gradients are left in the parameters: those of all of
// recipe.accumulate parts together, each with its share of the batch's tokens and masks (of its images, in
// the router loss, which isn't a mean).
Losses backward(const Trainee& trainee, const Batch& batch, std::uint64_t seed);

}  // namespace medplib::core
