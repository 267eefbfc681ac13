// A training step's way through the network: all losses of a batch.
#pragma once

#include "nn/medplib.h"
#include "train/batch.h"
#include "train/feature_cache.h"
#include "train/recipe.h"
#include "weights/manifest.h"

namespace medplib::core {

// What exists during training alone.
struct TrainingParts {
  TrainingParts(const Scope& scope, const ModelConfig& config, const BatchMaker& batches);
  // They name the kind of picture from what each image tower sees, which teaches the towers long before words
  // and masks do.
  Linear clip_label, sam_label;
  // By structure: the text prompt (channels) that stands for its name while the mask decoder is taught alone.
  std::map<std::string, at::Tensor> names;
  // Of an image tower that is frozen and sees pictures as they are; else null.
  std::shared_ptr<FeatureCache> seen_by_clip, seen_by_sam;
};

struct Losses {
  at::Tensor total;  // scalar, with gradient
  // What it is made of, unweighted; 0 where the batch has none.
  at::Tensor cross_entropy, dice, bce, prompted, router, image_label, name_link;
  at::Tensor drawn;  // the masks of the targets, (targets, 1, low resolution, low resolution) logits;
                     // undefined: none
};

// `random` draws the clicks and boxes that the mask decoder is taught to follow.
Losses losses_of(const Network& network, const TrainingParts& parts, const Recipe& recipe,
                 MaskGeometry geometry, const Batch& batch, std::int64_t seg_token, Random& random);

}  // namespace medplib::core
