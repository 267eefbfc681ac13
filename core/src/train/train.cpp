#include "base/log.h"
#include "base/process.h"
#include "ops/own_state.h"
#include "train/batch_queue.h"
#include "train/checkpoint_file.h"
#include "train/file_warnings.h"
#include "train/folder_lock.h"
#include "train/kept_memory.h"
#include "train/model_folder.h"
#include "train/name_vectors.h"
#include "train/optimizer.h"
#include "train/progress.h"
#include "train/setup.h"
#include "train/split.h"
#include "train/step_log.h"
#include "train/validation.h"

#include <medplib/core/error.h>
#include <medplib/core/train.h>

#include <ATen/Parallel.h>

#include <cmath>
#include <optional>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

class Trainer {
 public:
  Trainer(const fs::path& recipe, const TrainOptions& options)
      : options_(options),
        setup_(recipe, options.overrides),
        optimizer_(setup_.recipe, setup_.parameters.trained()),
        checkpoint_(options.out, setup_) {
    if (!setup_.recipe.validate.empty()) validation_.emplace(setup_, optimizer_.averaged());
  }

  void run() {
    const Recipe& recipe = setup_.recipe;
    if (recipe.threads > 0) at::set_num_threads(recipe.threads);
    if (setup_.batches.left_out() > 0)
      log(LogLevel::Warning, setup_.batches.left_out(), " records are left out: ", kUnlearnable, ".");
    warn_of_names_without_records();
    warn_of_files();
    fs::create_directories(options_.out);
    const FolderLock lock(options_.out);
    begin();
    if (setup_.uses_names()) set_name_vectors(setup_, [&] { stop_before_a_step(); });
    StepLog lines(options_.out / "log.jsonl", state_.step);
    try {
      run_from_state(lines);
    } catch (const Error& error) {
      // With the file mended, --resume goes on from here.
      if (error.subject() != Subject::None && state_.step > 0) save();
      throw;
    }
    write_model(setup_, optimizer_.averaged(), options_.out / "model");
  }

 private:
  void run_from_state(StepLog& lines) {
    const Recipe& recipe = setup_.recipe;
    if (state_.validation_due) {
      validate(lines);
      save();
    }
    std::int64_t& step = state_.step;
    BatchQueue queue(setup_.batches, step, recipe.steps, options_.workers);
    Progress progress(step, recipe.steps);
    while (step < recipe.steps) {
      stop_if_asked();
      const Batch batch = queue.next();
      const TrainProgress now = run_step(progress, batch);
      step = now.step;
      lines.add(json_of(progress.last()));
      if (options_.on_step) options_.on_step(now);
      const bool last = step == recipe.steps;
      // Before the checkpoint: a training that is killed in between does both again.
      if (validation_ && (last || step % recipe.validate_every == 0)) validate(lines);
      if (last || step % recipe.checkpoint_every == 0) save();
    }
  }

  void warn_of_names_without_records() const {
    for (const auto& name : setup_.batches.sets_without_images())
      log(LogLevel::Warning, "\"set_weight\" names ", name, ", but no record is of that set.");
    for (const auto& name : setup_.batches.modalities_without_images())
      log(LogLevel::Warning, "\"free_orientation\" names ", name, ", but no record is of that modality.");
  }

  void warn_of_files() const {
    if (!options_.on_warning) return;
    std::vector<std::span<const ImageRecords>> read{setup_.batches.images()};
    if (validation_) read.emplace_back(validation_->images());
    for (const std::string& warning : warnings_of_files(read, setup_.facts.config.clip))
      options_.on_warning(warning);
  }

  TrainProgress run_step(Progress& progress, const Batch& batch) {
    const std::int64_t step = state_.step;
    const Losses losses = run_backward(batch);
    if (!std::isfinite(losses.total.item<double>())) fail_not_finite("loss", batch);
    if (!std::isfinite(optimizer_.step(step))) fail_not_finite("gradient", batch);
    std::size_t records = 0;
    for (const auto& ids : batch.ids) records += ids.size();
    return progress.after(losses, records, learning_rate_at(setup_.recipe, step));
  }

  // What is random in a step depends on the seed and the step alone.
  Losses run_backward(const Batch& batch) {
    const std::uint64_t seed =
        setup_.recipe.seed + 0x632be59bd9b4e019ULL * static_cast<std::uint64_t>(state_.step + 1);
    at::Generator random = setup_.parameters.random();
    random.set_current_seed(seed);
    return backward(setup_.trainee(), batch, seed);
  }

  bool asked_to_stop() const { return options_.stop != nullptr && options_.stop->load(); }

  void stop_if_asked() const {
    if (!asked_to_stop()) return;
    save();
    fail(ErrorCode::Cancelled, "Training stopped after ", state_.step, " of ", setup_.recipe.steps,
         " steps. Go on with --resume.");
  }

  // Nothing is saved: a checkpoint of an earlier run stays as it is.
  void stop_before_a_step() const {
    if (asked_to_stop())
      fail(ErrorCode::Cancelled, "Training stopped before it took a step. Start it again as before.");
  }

  [[noreturn]] void fail_not_finite(const char* what, const Batch& batch) {
    std::vector<std::string> alone, all;
    for (const Batch& image : split(batch, std::ssize(batch.prompts))) {
      const auto& ids = image.ids.front();
      all.insert(all.end(), ids.begin(), ids.end());
      if (!is_finite(image)) alone.insert(alone.end(), ids.begin(), ids.end());
    }
    std::vector<std::string>& samples = alone.empty() ? all : alone;
    const std::string sentence = text_of(
        "The ", what, " of step ", state_.step + 1,
        " is not finite. The last checkpoint is kept; a training with a lower learning_rate or without these "
        "samples can start from it, in a folder of its own. The samples: ",
        first_five(samples), ".");
    throw Error(ErrorCode::Internal, sentence, std::move(samples));
  }

  // Whether one picture and its records have a loss and a gradient by themselves.
  bool is_finite(const Batch& image) {
    optimizer_.clear_gradients();
    const Losses losses = run_backward(image);
    return std::isfinite(losses.total.item<double>()) && std::isfinite(optimizer_.gradient_norm());
  }

  void validate(StepLog& lines) {
    state_.validation_due = true;
    TrainValidation result =
        validation_->run(state_.step, options_.out / "validation", [&] { stop_if_asked(); });
    state_.validation_due = false;
    result.best = !state_.best || score(result) > *state_.best;
    if (result.best) {
      state_.best = score(result);
      write_model(setup_, optimizer_.averaged(), options_.out / "best");
    }
    lines.add(json_of(result));
    if (options_.on_validation) options_.on_validation(result);
  }

  void save() const { checkpoint_.save(state_, optimizer_); }

  // With the first step, or where the checkpoint stands.
  void begin() {
    if (!fs::exists(checkpoint_.path())) {
      need_no_model_of_others();
      if (options_.resume)
        log(LogLevel::Warning, options_.out, " holds no checkpoint to go on from. It begins with step 1.");
      return;
    }
    if (!options_.resume)
      fail(ErrorCode::State, options_.out,
           " holds a checkpoint already. Add --resume to go on from it, or choose another folder.");
    state_ = checkpoint_.load(optimizer_);
    // Where somebody deleted the best model, the next look is the best so far.
    if (!fs::exists(options_.out / "best")) state_.best.reset();
  }

  // They would be replaced.
  void need_no_model_of_others() const {
    for (const char* name : {"model", "best"})
      if (fs::exists(options_.out / name))
        fail(ErrorCode::State, options_.out, " holds a folder ", name,
             ", but no checkpoint of a training that made it. Choose another folder.");
  }

  const TrainOptions& options_;
  TrainingSetup setup_;
  Optimizer optimizer_;
  CheckpointFile checkpoint_;
  std::optional<Validation> validation_;
  TrainState state_;
};

}  // namespace

void train(const fs::path& recipe, const TrainOptions& options) {
  check_not_forked();
  const OwnState own;
  const KeptMemory kept;
  Trainer(recipe, options).run();
}

}  // namespace medplib::core
