#include "base/log.h"
#include "train/batch_queue.h"
#include "train/model_folder.h"
#include "train/optimizer.h"
#include "train/progress.h"
#include "train/reading.h"
#include "train/setup.h"
#include "train/step_log.h"
#include "train/usable.h"
#include "train/validation.h"
#include "weights/safetensors.h"

#include <medplib/core/error.h>
#include <medplib/core/train.h>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

// Batches from which the words for names are taken.
constexpr std::int64_t kNameBatches = 64;

// In a checkpoint's metadata.
constexpr const char* kValidationDue = "validation_due";

class Trainer {
 public:
  Trainer(const fs::path& recipe, const TrainOptions& options)
      : options_(options), setup_(recipe, options.overrides), optimizer_(setup_.recipe, setup_.trained()) {
    if (!setup_.recipe.validate.empty()) validation_.emplace(setup_, optimizer_.averaged());
  }

  void run() {
    const Recipe& recipe = setup_.recipe;
    if (recipe.threads > 0) at::set_num_threads(recipe.threads);
    if (setup_.batches.left_out() > 0)
      log(LogLevel::Warning, setup_.batches.left_out(), " records are left out: ", kUnlearnable, ".");
    fs::create_directories(options_.out);
    if (setup_.starts_from_model && recipe.stage != Stage::Joint) take_names_from_language();
    std::int64_t step = begin();
    StepLog lines(options_.out / "log.jsonl", step);
    if (validation_due_) {
      validate(step, lines);
      save();
    }
    BatchQueue queue(setup_.batches, step, recipe.steps, options_.workers);
    Progress progress(step, recipe.steps);
    for (; step < recipe.steps; ++step) {
      stop_if_asked(step);
      const Batch batch = reading(TrainInput::Data, [&] { return queue.next(); });
      const TrainProgress said = run_step(progress, batch, step);
      lines.add(json_of(said));
      if (options_.on_step) options_.on_step(said);
      const bool last = said.step == recipe.steps;
      // Before the checkpoint: a training that is killed in between does both again.
      if (validation_ && (last || said.step % recipe.validate_every == 0)) validate(said.step, lines);
      if (last || said.step % recipe.checkpoint_every == 0) save();
    }
    write_model(setup_, optimizer_.averaged(), options_.out / "model");
  }

 private:
  // A model has words for what it draws already. They stand still, so that what draws and what answers can be
  // taught apart and still understand each other.
  void take_names_from_language() {
    const c10::NoGradGuard no_grad;
    std::map<std::string, std::vector<at::Tensor>> said;
    const TokenId seg = setup_.tokenizer.added("<SEG>");
    for (std::int64_t i = 0; i < kNameBatches; ++i) {
      // Nothing is saved: a checkpoint of an earlier run stays as it is.
      if (asked_to_stop())
        fail(ErrorCode::Cancelled, "Training stopped before it took a step. Start it again as before.");
      add_text_prompts(said, setup_.network,
                       reading(TrainInput::Data, [&] { return setup_.batches.batch(i); }), seg);
    }
    for (const auto& [name, prompts] : said)
      setup_.parts.names.at(name).detach().copy_(at::stack(prompts).mean(0));
  }

  TrainProgress run_step(Progress& progress, const Batch& batch, std::int64_t step) {
    Random random(setup_.recipe.seed + 0x632be59bd9b4e019ULL * static_cast<std::uint64_t>(step + 1));
    const Trainee trainee{.network = setup_.network,
                          .parts = setup_.parts,
                          .recipe = setup_.recipe,
                          .geometry = setup_.manifest.mask_geometry,
                          .seg_token = setup_.tokenizer.added("<SEG>")};
    const Losses losses = backward(trainee, batch, random);
    if (!std::isfinite(losses.total.item<double>())) fail_not_finite("loss", batch, step);
    if (!std::isfinite(optimizer_.step(step))) fail_not_finite("gradient", batch, step);
    return progress.after(losses, batch.ids.size(), learning_rate_at(setup_.recipe, step));
  }

  bool asked_to_stop() const { return options_.stop != nullptr && options_.stop->load(); }

  // `done`: steps.
  void stop_if_asked(std::int64_t done) const {
    if (!asked_to_stop()) return;
    save();
    fail(ErrorCode::Cancelled, "Training stopped after ", done, " of ", setup_.recipe.steps,
         " steps. Go on with --resume.");
  }

  [[noreturn]] static void fail_not_finite(const char* what, const Batch& batch, std::int64_t step) {
    std::string ids;
    for (const auto& id : batch.ids) ids += " " + id;
    fail(ErrorCode::Internal, "The ", what, " of step ", step,
         " is not finite. The last checkpoint is kept. Its samples:", ids, ".");
  }

  void validate(std::int64_t step, StepLog& lines) {
    validation_due_ = true;
    TrainValidation said = validation_->run(step, options_.out / "validation", [&] { stop_if_asked(step); });
    validation_due_ = false;
    said.best = !best_ || score(said) > *best_;
    if (said.best) {
      best_ = score(said);
      write_model(setup_, optimizer_.averaged(), options_.out / "best");
    }
    lines.add(json_of(said));
    if (options_.on_validation) options_.on_validation(said);
  }

  fs::path checkpoint() const { return options_.out / kCheckpoint; }

  // The first step to run: 0, or where the checkpoint stands.
  std::int64_t begin() {
    if (!fs::exists(checkpoint())) return 0;
    if (!options_.resume)
      fail(ErrorCode::State, options_.out,
           " holds a checkpoint already. Add --resume to go on from it, or choose another folder.");
    const SafetensorsFile file = SafetensorsFile::open(checkpoint());
    const auto recipe = file.metadata().find("recipe");
    if (recipe == file.metadata().end())
      fail(ErrorCode::Format, checkpoint(), " does not say by which recipe it was made.");
    if (recipe->second != setup_.recipe.json.dump())
      fail(ErrorCode::State, checkpoint(), " was made by another recipe: ",
           difference(setup_.recipe.json, parse_json(recipe->second, checkpoint().string())), ".");
    if (const auto best = file.metadata().find("best"); best != file.metadata().end())
      best_ = parse_json(best->second, checkpoint().string()).get<double>();
    validation_due_ = file.metadata().contains(kValidationDue);
    std::map<std::string, at::Tensor> state;
    for (const auto& [name, entry] : file.entries()) state[name] = file.tensor(name);
    optimizer_.load_state(state);
    return static_cast<std::int64_t>(state.at("steps").item<float>());
  }

  void save() const {
    std::map<std::string, std::string> metadata{{"recipe", setup_.recipe.json.dump()}};
    if (best_) metadata["best"] = Json(*best_).dump();
    if (validation_due_) metadata[kValidationDue] = "true";
    NamedTensors state = optimizer_.state();
    std::ranges::copy(setup_.constants(), std::back_inserter(state));
    write_safetensors(checkpoint(), state, metadata);
  }

  const TrainOptions& options_;
  TrainingSetup setup_;
  Optimizer optimizer_;
  std::optional<Validation> validation_;
  std::optional<double> best_;   // the best score so far
  bool validation_due_ = false;  // of the last step: it was stopped in the middle
};

}  // namespace

void train(const fs::path& recipe, const TrainOptions& options) { Trainer(recipe, options).run(); }

}  // namespace medplib::core
