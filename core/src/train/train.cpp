#include "base/files.h"
#include "nn/medplib.h"
#include "train/batch_queue.h"
#include "train/forward.h"
#include "train/optimizer.h"
#include "train/step_log.h"
#include "weights/checkpoint.h"
#include "weights/safetensors.h"

#include <medplib/core/error.h>
#include <medplib/core/train.h>
#include <medplib/core/translate.h>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <chrono>
#include <cmath>
#include <fstream>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

// Batches from which the words for names are taken.
constexpr std::int64_t kNameBatches = 64;
// Parameters under this name serve the training and are not part of the model.
constexpr const char* kTrainingOnly = "training";
constexpr const char* kCheckpoint = "checkpoint.safetensors";

// Runs `read`; what it throws becomes the error of this input.
template <class Read>
auto reading(TrainInput input, const Read& read) {
  try {
    return read();
  } catch (...) {
    throw TrainInputError(input, current_error());
  }
}

// Running means of what a step says, and the clock.
class Progress {
 public:
  Progress(std::int64_t first_step, std::int64_t steps)
      : first_(first_step), said_{.step = first_step, .steps = steps} {}

  const TrainProgress& after(const Losses& losses, std::size_t samples, double rate) {
    const double keep = said_.step == first_ ? 0.0 : 0.98;
    const auto mean = [&](double& value, const at::Tensor& now) {
      value = keep * value + (1 - keep) * now.item<double>();
    };
    mean(said_.loss, losses.total);
    mean(said_.cross_entropy, losses.cross_entropy);
    mean(said_.dice, losses.dice);
    mean(said_.bce, losses.bce);
    mean(said_.focal, losses.focal);
    mean(said_.iou, losses.iou);
    mean(said_.prompted, losses.prompted);
    mean(said_.router, losses.router);
    mean(said_.image_label, losses.image_label);
    mean(said_.name_link, losses.name_link);
    said_.learning_rate = rate;
    samples_ += static_cast<double>(samples);
    ++said_.step;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    said_.samples_per_second = samples_ / seconds;
    said_.seconds_left =
        seconds / static_cast<double>(said_.step - first_) * static_cast<double>(said_.steps - said_.step);
    return said_;
  }

 private:
  std::int64_t first_;
  TrainProgress said_;
  double samples_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Json json_of(const TrainProgress& said) {
  return {{"step", said.step},
          {"loss", said.loss},
          {"cross_entropy", said.cross_entropy},
          {"dice", said.dice},
          {"bce", said.bce},
          {"focal", said.focal},
          {"iou", said.iou},
          {"prompted", said.prompted},
          {"router", said.router},
          {"image_label", said.image_label},
          {"name_link", said.name_link},
          {"learning_rate", said.learning_rate},
          {"samples_per_second", said.samples_per_second}};
}

class Trainer {
 public:
  Trainer(const fs::path& recipe, const TrainOptions& options)
      : options_(options),
        recipe_(reading(TrainInput::Data, [&] { return Recipe::read(recipe, options.overrides); })),
        config_(reading(TrainInput::Model, [&] { return ModelConfig::read(recipe_.model / "config.json"); })),
        tokenizer_(reading(TrainInput::Model, [&] { return read_tokenizer(); })),
        manifest_(reading(TrainInput::Model, [&] { return read_manifest(recipe_.model); })),
        conversation_(reading(TrainInput::Model,
                              [&] { return conversation_template(manifest_.conversation_template); })),
        parameters_(recipe_.seed),
        network_(parameters_, config_),
        batches_(reading(TrainInput::Data,
                         [&] { return BatchMaker(recipe_, config_, tokenizer_, conversation_); })),
        parts_(Scope(parameters_, kTrainingOnly), config_, batches_.image_label_count(),
               batches_.structures()) {
    for (const auto& folder : recipe_.start) reading(TrainInput::Data, [&] { start_from(folder); });
  }

  TrainPlan plan() const {
    TrainPlan plan{
        .steps = recipe_.steps, .images = static_cast<std::int64_t>(batches_.images().size()), .sets = {}};
    std::map<std::string, std::int64_t> sets;
    for (const auto& image : batches_.images()) {
      ++sets[image.set];
      for (const auto& record : image.records) {
        ++plan.questions;
        plan.masks += static_cast<std::int64_t>(record.masks.size());
      }
    }
    plan.sets.assign(sets.begin(), sets.end());
    for (const auto& [name, value] : parameters_.all()) plan.parameters += value.numel();
    return plan;
  }

  void run() {
    if (recipe_.threads > 0) at::set_num_threads(recipe_.threads);
    fs::create_directories(options_.out);
    if (starts_from_model_ && recipe_.stage != Stage::Joint) take_names_from_language();
    Optimizer optimizer(recipe_, trainable());
    std::int64_t step = begin(optimizer);
    StepLog log(options_.out / "log.jsonl", step);
    BatchQueue queue(batches_, step, recipe_.steps, options_.workers);
    Progress progress(step, recipe_.steps);
    for (; step < recipe_.steps; ++step) {
      if (options_.stop && options_.stop->load()) {
        save(optimizer);
        fail(ErrorCode::Cancelled, "Training stopped after ", step, " of ", recipe_.steps,
             " steps. Go on with --resume.");
      }
      const Batch batch = reading(TrainInput::Data, [&] { return queue.next(); });
      const TrainProgress said = run_step(optimizer, progress, batch, step);
      log.add(json_of(said));
      if (options_.on_step) options_.on_step(said);
      if ((step + 1) % recipe_.checkpoint_every == 0 || step + 1 == recipe_.steps) save(optimizer);
    }
    write_model(optimizer.averaged());
  }

 private:
  Tokenizer read_tokenizer() const {
    Tokenizer tokenizer = Tokenizer::load(recipe_.model);
    if (tokenizer.vocabulary_size() != config_.language.vocabulary)
      fail(ErrorCode::Format, recipe_.model, ": vocab_size is ", config_.language.vocabulary,
           ", but the tokenizer has ", tokenizer.vocabulary_size(), " entries.");
    return tokenizer;
  }

  NamedTensors trainable() const {
    NamedTensors result;
    for (const auto& [name, value] : parameters_.all())
      if (value.requires_grad() && taught(name)) result.emplace_back(name, value);
    return result;
  }

  // Whether this stage teaches a parameter.
  bool taught(const std::string& name) const {
    const bool is_name = name.starts_with("training.names.");
    const bool draws = is_name || name.starts_with("sam.") || name.starts_with("training.sam.");
    if (is_name && starts_from_model_) return false;
    if (recipe_.stage == Stage::Joint) return !is_name;
    return draws == (recipe_.stage == Stage::Grounding);
  }

  // Of an earlier training, or a model.
  void start_from(const fs::path& folder) {
    const c10::NoGradGuard no_grad;
    if (fs::exists(folder / kCheckpoint))
      start_from_training(folder / kCheckpoint);
    else
      start_from_model(folder);
  }

  void start_from_training(const fs::path& checkpoint) {
    const SafetensorsFile file = SafetensorsFile::open(checkpoint);
    for (const auto& [name, value] : parameters_.all()) {
      if (!file.entries().contains("average:" + name)) continue;
      const at::Tensor earlier = file.tensor("average:" + name);
      if (earlier.sizes() != value.sizes())
        fail(ErrorCode::Format, checkpoint, ": ", name, " has another shape than in this model.");
      value.detach().copy_(earlier);
    }
  }

  void start_from_model(const fs::path& folder) {
    Checkpoint model(folder, at::kFloat, at::kCPU);
    for (const auto& [name, value] : parameters_.all())
      if (!name.starts_with(kTrainingOnly))
        value.detach().copy_(model.take({.name = name, .shape = value.sizes().vec()}));
    model.finish();
    starts_from_model_ = true;
  }

  // A model has words for what it draws already. They stand still, so that what draws and what answers can be
  // taught apart and still understand each other.
  void take_names_from_language() {
    const c10::NoGradGuard no_grad;
    std::map<std::string, std::vector<at::Tensor>> said;
    const TokenId seg = tokenizer_.added("<SEG>");
    for (std::int64_t i = 0; i < kNameBatches; ++i)
      add_text_prompts(said, network_, reading(TrainInput::Data, [&] { return batches_.batch(i); }), seg);
    for (const auto& [name, prompts] : said) parts_.names.at(name).detach().copy_(at::stack(prompts).mean(0));
  }

  TrainProgress run_step(Optimizer& optimizer, Progress& progress, const Batch& batch, std::int64_t step) {
    Random random(recipe_.seed + 0x632be59bd9b4e019ULL * static_cast<std::uint64_t>(step + 1));
    const Trainee trainee{.network = network_,
                          .parts = parts_,
                          .recipe = recipe_,
                          .geometry = manifest_.mask_geometry,
                          .seg_token = tokenizer_.added("<SEG>")};
    const Losses losses = backward(trainee, batch, random);
    if (!std::isfinite(losses.total.item<double>())) {
      std::string ids;
      for (const auto& id : batch.ids) ids += " " + id;
      fail(ErrorCode::Internal, "The loss of step ", step,
           " is not finite. The last checkpoint is kept. Its samples:", ids, ".");
    }
    optimizer.step(step);
    return progress.after(losses, batch.ids.size(), learning_rate_at(recipe_, step));
  }

  fs::path checkpoint() const { return options_.out / kCheckpoint; }

  // The first step to run: 0, or where the checkpoint stands.
  std::int64_t begin(Optimizer& optimizer) {
    if (!fs::exists(checkpoint())) return 0;
    if (!options_.resume)
      fail(ErrorCode::State, options_.out,
           " holds a checkpoint already. Add --resume to go on from it, or choose another folder.");
    const SafetensorsFile file = SafetensorsFile::open(checkpoint());
    const auto recipe = file.metadata().find("recipe");
    if (recipe == file.metadata().end())
      fail(ErrorCode::Format, checkpoint(), " does not say by which recipe it was made.");
    if (recipe->second != recipe_.json.dump())
      fail(ErrorCode::State, checkpoint(), " was made by another recipe: ",
           difference(recipe_.json, parse_json(recipe->second, checkpoint().string())), ".");
    std::map<std::string, at::Tensor> state;
    for (const auto& [name, entry] : file.entries()) state[name] = file.tensor(name);
    optimizer.load_state(state);
    return static_cast<std::int64_t>(state.at("steps").item<float>());
  }

  void save(const Optimizer& optimizer) const {
    write_safetensors(checkpoint(), optimizer.state(), {{"recipe", recipe_.json.dump()}});
  }

  void write_model(const NamedTensors& averaged) const {
    const fs::path folder = options_.out / "model";
    fs::create_directories(folder);
    NamedTensors all;
    for (const auto& [name, value] : averaged)
      if (!name.starts_with(kTrainingOnly)) all.emplace_back(name, value);
    for (const auto& [name, value] : parameters_.all())
      if (!name.starts_with(kTrainingOnly) && !(value.requires_grad() && taught(name)))
        all.emplace_back(name, value);
    save_checkpoint(folder, all, Storage::Int8);
    for (const char* name : {"config.json", "tokenizer.model", "added_tokens.json"})
      write_file(folder / name, read_file(recipe_.model / name));
    Manifest manifest = manifest_;
    manifest.files = hash_files(folder);
    write_manifest(folder, manifest);
  }

  const TrainOptions& options_;
  Recipe recipe_;
  ModelConfig config_;
  Tokenizer tokenizer_;
  Manifest manifest_;
  ConversationTemplate conversation_;
  FreshParameters parameters_;
  Network network_;
  BatchMaker batches_;
  TrainingParts parts_;
  bool starts_from_model_ = false;
};

}  // namespace

TrainPlan plan_training(const fs::path& recipe, const TrainOptions& options) {
  return Trainer(recipe, options).plan();
}

void train(const fs::path& recipe, const TrainOptions& options) { Trainer(recipe, options).run(); }

}  // namespace medplib::core
