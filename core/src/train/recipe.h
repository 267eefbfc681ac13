// A recipe: everything that decides what a training does, as JSON.
#pragma once

#include "base/json.h"
#include "train/loss_table.h"
#include "train/region_part.h"
#include "train/stages.h"
#include "weights/checkpoint.h"

#include <medplib/core/model.h>
#include <medplib/core/names.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace medplib::core {

// Which part of the network a training teaches; the others stand still.
enum class Objective {
  Grounding,  // what draws masks: SAM's parts. A learnt vector per structure name stands for the language
              // model, which isn't run.
  Language,   // what answers: CLIP, projector, regions, language model, and its way to the mask decoder
  Joint,      // everything
};

template <>
struct Names<Objective> {
  static constexpr const char* kind = "objective";
  static constexpr NameTable<Objective, 3> all = {
      {{Objective::Grounding, "grounding"}, {Objective::Language, "language"}, {Objective::Joint, "joint"}}};
};

// How the learning rate falls from its peak to its final fraction.
enum class Schedule { Cosine, Linear };

template <>
struct Names<Schedule> {
  static constexpr const char* kind = "schedule";
  static constexpr NameTable<Schedule, 2> all = {
      {{Schedule::Cosine, "cosine"}, {Schedule::Linear, "linear"}}};
};

// Those of loss_table.h.
PerLoss<double> default_weights();

// Weights that stand still and get an adapter beside them, which is trained (docs/model.md, LoRA).
struct LoraRecipe {
  std::vector<std::string> targets;  // patterns of the weights' names; none: no LoRA
  std::int64_t rank = 8;
  double alpha = 16, dropout = 0.05;

  // In words, as a checkpoint keeps it.
  std::string text() const;
};

struct Recipe {
  // Where things are. Relative paths start from the recipe's folder.
  std::filesystem::path
      model;  // a model folder without weights: config.json, tokenizer.model, added_tokens.json, medplib.json
  std::vector<std::filesystem::path> train;  // lists of records (data/records.h)
  std::filesystem::path validate;            // records that the training is judged by; empty: it is not
  std::filesystem::path images;              // where the paths of both start; empty: each list's own folder
  // Output folders of earlier trainings, whose weights are taken as far as they were taught there, and model
  // folders, whose weights are taken all; later folders go before earlier ones. What nobody taught starts at
  // random.
  std::vector<std::filesystem::path> start;
  Objective objective = Objective::Joint;
  std::optional<Stage> stage;  // of the published training; none: another one

  // Patterns (patterns.h) of parameters' names: of those of the model that alone are taught beside adapters
  // (none: all, or with LoRA nothing else); and of those that stand still, such as "clip" or "sam.encoder".
  std::vector<std::string> teach, freeze;
  LoraRecipe lora;

  std::int64_t max_samples = 0;  // as many records are used, evenly out of the list; 0: all
  std::int64_t steps = 1000, images_per_step = 8;
  // Above 0: instead of `steps` and `warmup`, as many as show that many records as there are, so many times,
  // a picture with one record at a time; and that part of a time for the warm-up.
  double epochs = 0, warmup_epochs = 0.01;
  std::int64_t masks_per_image = 3, questions_per_image = 4;  // drawn at most: with masks, and without
  std::uint64_t seed = 1;
  int threads = 0;  // at most kMostThreads; 0: as many as the machine has

  double learning_rate = 8e-4, final_learning_rate = 0.02;  // the latter as a fraction of the former
  std::int64_t warmup = 150;
  double beta1 = 0.9, beta2 = 0.98, weight_decay = 0.05, clip_norm = 1.0;
  double average = 0.998;  // of the weights that are saved: exponential moving average
  Schedule schedule = Schedule::Cosine;
  std::int64_t accumulate = 1;  // parts in which a step's images are computed: more need less memory
  // Of an expert, in training: as many tokens as its even share of a part's times this; which, is drawn. 0:
  // all that chose it. The published recipe has 1.5.
  double expert_capacity = 0;
  std::string device = "cpu";  // as open_device() has it
  // Of matrix products, and of the matrices that stand still. All else is float32 in both.
  Precision precision = Precision::Float32;
  Storage storage = Storage::Int8;  // of the models that are written

  PerLoss<double> weight = default_weights();  // of the losses

  std::map<std::string, double> set_weight;  // on top of images^set_exponent
  double set_exponent = 0.6;
  RegionPart regions = RegionPart::Whole;  // that are shown
  // Images are shown in random views; without it, the features of frozen image towers are kept and used
  // again.
  bool augment = true;
  std::vector<std::string> free_orientation;  // modalities that may be turned and mirrored

  // How many there will be of each, by what they are ("images", "questions", "masks"): for a plan where the
  // records aren't at hand.
  std::map<std::string, std::int64_t> expected;

  std::int64_t checkpoint_every = 200;
  std::int64_t validate_every = 200;   // steps; and after the last
  std::int64_t validate_samples = 64;  // records with masks, and as many without; 0: all

  // Sets `steps` and `warmup` by `epochs`, where that is above 0.
  void count_steps(std::int64_t records);

  // Errors of Subject::Data: NotFound, Format (an unknown or wrongly typed key is named).
  static Recipe read(const std::filesystem::path& path, const std::vector<std::string>& overrides);
  Json json;  // as read, overrides applied: a resumed training must have the same
};

// What a reader needs to see of two recipes: the keys whose values differ, "steps is 5, was 3".
std::string difference(const Json& recipe, const Json& earlier);

}  // namespace medplib::core
