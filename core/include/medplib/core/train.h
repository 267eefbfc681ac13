// Training: a recipe in, a model folder out.
#pragma once

#include <medplib/core/error.h>
#include <medplib/core/routing.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace medplib::core {

// A loss, by the key of its weight in a recipe.
struct TrainLoss {
  std::string name;
  double value = 0;  // unweighted
};

// What is said after every step.
struct TrainProgress {
  std::int64_t step = 0, steps = 0;
  double loss = 0;                     // the weighted sum that is minimised; running mean
  std::vector<TrainLoss> losses = {};  // all that there are; running means; 0 where this training has none
  double learning_rate = 0, samples_per_second = 0, seconds_left = 0;  // a sample is a question
};

// How the averaged weights did on the validation records. Masks are drawn from the true answer's <SEG>; one
// whose <SEG> the model would not have said there counts as empty.
struct TrainValidation {
  std::int64_t step = 0;
  std::int64_t masks = 0, answer_tokens = 0;  // that were judged; 0: the figures below don't exist
  double giou = 0, dice = 0;   // means over the masks, 0 … 1; nothing drawn of nothing counts 1
  double cross_entropy = 0;    // of an answer's token, in nats
  RoutingByKind routing = {};  // of their questions and true answers; empty without experts
  bool best = false;           // so far: kept as out/best
};

struct TrainOptions {
  // Checkpoint, log and the finished model (model/) go here; with validation also the best model (best/) and
  // overlays (validation/).
  std::filesystem::path out;
  std::vector<std::string> overrides;  // "key=value" put over the recipe's
  bool resume = false;                 // go on from out/checkpoint.safetensors
  int workers = 1;                     // threads that prepare coming batches; any number gives the same
  std::function<void(const TrainProgress&)> on_step;
  std::function<void(const TrainValidation&)> on_validation;
  // Told before the first step, a sentence a kind, what asking about the pictures, regions and masks that are
  // learnt from or judged by would warn of.
  std::function<void(const std::string&)> on_warning;
  const std::atomic<bool>* stop = nullptr;  // set: write a checkpoint and throw Cancelled
};

struct TensorCount {
  std::int64_t tensors = 0, parameters = 0;
};

// A part of the network, by the first words of its parameters' names.
struct TrainPart {
  std::string name;
  TensorCount trained = {}, frozen = {};
};

// Records of one data set.
struct TrainSet {
  std::string name;
  std::int64_t images = 0, questions = 0, masks = 0;
};

// Why nothing can be learnt from a record, in words.
inline constexpr const char* kUnlearnable =
    "their answers are empty, or they are longer than the model's max_position_embeddings, or they hold "
    "\" ASSISTANT: \" or \"</s>\", which tell questions from answers";

// What a recipe would do, without training.
struct TrainPlan {
  std::int64_t steps = 0;
  std::vector<TrainPart> parts = {};
  std::vector<TrainSet> sets = {};
  // Records that are in none of them: kUnlearnable.
  std::int64_t left_out = 0;
  std::vector<TrainSet> validation = {};   // what is looked at each time
  std::vector<std::string> warnings = {};  // those of TrainOptions::on_warning
  // Memory; libraries and pictures that are kept come on top. Activations are those of the first step's
  // pictures; to know them, its forward pass is computed.
  std::int64_t weight_bytes = 0, gradient_bytes = 0, optimizer_bytes = 0, activation_bytes = 0;
};

// Errors of Subject::Data (the recipe, the records, their images and masks, and the trainings it starts from)
// and Subject::Model (the folders of models that the recipe names): NotFound, Io, Format (file, record and
// key are named), InvalidArgument; others: Io, State (out holds a checkpoint and resume was not asked for;
// resume with another recipe), Cancelled, Internal (the loss or its gradient is not finite: the samples are
// named, the last checkpoint stays).
TrainPlan plan_training(const std::filesystem::path& recipe, const TrainOptions& options);
void train(const std::filesystem::path& recipe, const TrainOptions& options);

}  // namespace medplib::core
