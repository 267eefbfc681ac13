#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "ops/own_state.h"
#include "train/batch_queue.h"
#include "train/file_warnings.h"
#include "train/folder_lock.h"
#include "train/kept_memory.h"
#include "train/model_folder.h"
#include "train/optimizer.h"
#include "train/progress.h"
#include "train/setup.h"
#include "train/split.h"
#include "train/step_log.h"
#include "train/subject.h"
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

// Masks of a name from which its vector is taken.
constexpr std::size_t kMasksOfName = 8;

// In a checkpoint's metadata.
constexpr const char *kStep = "step", *kRecipe = "recipe", *kInputs = "inputs", *kBest = "best",
                     *kValidationDue = "validation_due";

// SHA-256 of what the recipe names and a resumed training must find unchanged.
Json hashes_of_inputs(const Recipe& recipe) {
  Json hashes{{"train", sha256_of_file(recipe.train)}};
  if (!recipe.validate.empty()) hashes["validate"] = sha256_of_file(recipe.validate);
  for (const char* name :
       {"config.json", "medplib.json", "tokenizer.model", "added_tokens.json", "tokenizer_config.json"})
    if (fs::exists(recipe.model / name))
      hashes[text_of("model/", name)] = sha256_of_file(recipe.model / name);
  return hashes;
}

class Trainer {
 public:
  Trainer(const fs::path& recipe, const TrainOptions& options)
      : options_(options),
        setup_(recipe, options.overrides),
        optimizer_(setup_.recipe, setup_.trained()),
        inputs_(reading(Subject::Data, [&] { return hashes_of_inputs(setup_.recipe); })) {
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
    std::int64_t step = begin();
    if (setup_.uses_names()) set_names();
    StepLog lines(options_.out / "log.jsonl", step);
    try {
      run_from(step, lines);
    } catch (const Error& error) {
      // With the file mended, --resume goes on from here.
      if (error.subject() != Subject::None && step > 0) save(step);
      throw;
    }
    write_model(setup_, optimizer_.averaged(), options_.out / "model");
  }

 private:
  // `step`: of those that are done; counts on.
  void run_from(std::int64_t& step, StepLog& lines) {
    const Recipe& recipe = setup_.recipe;
    if (validation_due_) {
      validate(step, lines);
      save(step);
    }
    BatchQueue queue(setup_.batches, step, recipe.steps, options_.workers);
    Progress progress(step, recipe.steps);
    while (step < recipe.steps) {
      stop_if_asked(step);
      const Batch batch = queue.next();
      const TrainProgress now = run_step(progress, batch, step);
      step = now.step;
      lines.add(json_of(progress.last()));
      if (options_.on_step) options_.on_step(now);
      const bool last = step == recipe.steps;
      // Before the checkpoint: a training that is killed in between does both again.
      if (validation_ && (last || step % recipe.validate_every == 0)) validate(step, lines);
      if (last || step % recipe.checkpoint_every == 0) save(step);
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

  // A model has words for what it draws already. They stand still, so that what draws and what answers can be
  // taught apart and still understand each other. What no model has words for is learnt in stage "grounding".
  void set_names() {
    const std::vector<std::string> missing = setup_.missing_names();
    if (missing.empty()) return;
    if (setup_.has_words())
      set_names_from_language({missing.begin(), missing.end()});
    else if (setup_.recipe.stage != Stage::Grounding)
      reading(Subject::Data, [&] {
        throw Error(ErrorCode::Format,
                    text_of("\"name_link\" pulls to the vectors that stage \"grounding\" learnt for names, "
                            "but nothing in \"start\" has one for ",
                            first_five(missing), "."),
                    missing);
      });
  }

  // Whether its question has the structure's name as the data has it, and not in capitals: a model may know
  // the one and be about to learn the other.
  static bool says_the_name(const Record& record) {
    return record.turns.front().question.find(record.structure) != std::string::npos;
  }

  std::set<std::string> names_said() const {
    std::set<std::string> names;
    for (const auto& image : setup_.batches.images())
      for (const Record& record : image.records)
        if (!record.masks.empty() && says_the_name(record)) names.insert(record.structure);
    return names;
  }

  // The mean of what the language model says for each of them, whatever the seed.
  void set_names_from_language(std::set<std::string> names) {
    const c10::NoGradGuard no_grad;
    const std::set<std::string> said = names_said();
    std::map<std::string, std::vector<at::Tensor>> found;
    const TokenId seg = setup_.facts.tokenizer.added("<SEG>");
    for (const auto& image : setup_.batches.images()) {
      // Nothing is saved: a checkpoint of an earlier run stays as it is.
      if (asked_to_stop())
        fail(ErrorCode::Cancelled, "Training stopped before it took a step. Start it again as before.");
      ImageRecords wanted = image;
      std::erase_if(wanted.records, [&](const Record& record) {
        return record.masks.empty() || !names.contains(record.structure) ||
               (said.contains(record.structure) && !says_the_name(record));
      });
      if (wanted.records.empty()) continue;
      const Batch batch = setup_.batches.plain(wanted);
      add_text_prompts(found, setup_.network, batch, seg);
      std::erase_if(names, [&](const std::string& name) { return found[name].size() >= kMasksOfName; });
    }
    for (const auto& [name, prompts] : found) {
      if (prompts.empty()) continue;
      setup_.parts.names.at(name).detach().copy_(at::stack(prompts).mean(0));
      setup_.given.insert(kNames + name);
    }
  }

  TrainProgress run_step(Progress& progress, const Batch& batch, std::int64_t step) {
    const Losses losses = backward(setup_.trainee(), batch, seed_of(step));
    if (!std::isfinite(losses.total.item<double>())) fail_not_finite("loss", batch, step);
    if (!std::isfinite(optimizer_.step(step))) fail_not_finite("gradient", batch, step);
    std::size_t records = 0;
    for (const auto& ids : batch.ids) records += ids.size();
    return progress.after(losses, records, learning_rate_at(setup_.recipe, step));
  }

  // Of the step's simulated users.
  std::uint64_t seed_of(std::int64_t step) const {
    return setup_.recipe.seed + 0x632be59bd9b4e019ULL * static_cast<std::uint64_t>(step + 1);
  }

  bool asked_to_stop() const { return options_.stop != nullptr && options_.stop->load(); }

  // `done`: steps.
  void stop_if_asked(std::int64_t done) const {
    if (!asked_to_stop()) return;
    save(done);
    fail(ErrorCode::Cancelled, "Training stopped after ", done, " of ", setup_.recipe.steps,
         " steps. Go on with --resume.");
  }

  [[noreturn]] void fail_not_finite(const char* what, const Batch& batch, std::int64_t step) {
    std::vector<std::string> alone, all;
    for (const Batch& image : split(batch, std::ssize(batch.prompts))) {
      const auto& ids = image.ids.front();
      all.insert(all.end(), ids.begin(), ids.end());
      if (!is_finite(image, step)) alone.insert(alone.end(), ids.begin(), ids.end());
    }
    std::vector<std::string>& samples = alone.empty() ? all : alone;
    const std::string sentence = text_of(
        "The ", what, " of step ", step + 1,
        " is not finite. The last checkpoint is kept; a training with a lower learning_rate or without these "
        "samples can start from it, in a folder of its own. The samples: ",
        first_five(samples), ".");
    throw Error(ErrorCode::Internal, sentence, std::move(samples));
  }

  // Whether one picture and its records have a loss and a gradient by themselves.
  bool is_finite(const Batch& image, std::int64_t step) {
    optimizer_.clear_gradients();
    const Losses losses = backward(setup_.trainee(), image, seed_of(step));
    return std::isfinite(losses.total.item<double>()) && std::isfinite(optimizer_.gradient_norm());
  }

  void validate(std::int64_t step, StepLog& lines) {
    validation_due_ = true;
    TrainValidation result =
        validation_->run(step, options_.out / "validation", [&] { stop_if_asked(step); });
    validation_due_ = false;
    result.best = !best_ || score(result) > *best_;
    if (result.best) {
      best_ = score(result);
      write_model(setup_, optimizer_.averaged(), options_.out / "best");
    }
    lines.add(json_of(result));
    if (options_.on_validation) options_.on_validation(result);
  }

  fs::path checkpoint() const { return options_.out / kCheckpoint; }

  // The first step to run: 0, or where the checkpoint stands.
  std::int64_t begin() {
    if (!fs::exists(checkpoint())) {
      need_no_model_of_others();
      if (options_.resume)
        log(LogLevel::Warning, options_.out, " holds no checkpoint to go on from. It begins with step 1.");
      return 0;
    }
    if (!options_.resume)
      fail(ErrorCode::State, options_.out,
           " holds a checkpoint already. Add --resume to go on from it, or choose another folder.");
    const SafetensorsFile file = SafetensorsFile::open(checkpoint());
    check_same_training(file.metadata());
    // Where somebody deleted the best model, the next look is the best so far.
    if (const auto best = file.metadata().find(kBest);
        best != file.metadata().end() && fs::exists(options_.out / "best"))
      best_ = parse_json(best->second, checkpoint().string()).get<double>();
    validation_due_ = file.metadata().contains(kValidationDue);
    setup_.load_unchanged(checkpoint());
    std::map<std::string, at::Tensor> state;
    for (const auto& [name, entry] : file.entries()) state[name] = file.tensor(name);
    optimizer_.load_state(state);
    return parse_json(file.metadata().at(kStep), checkpoint().string()).get<std::int64_t>();
  }

  // They would be replaced.
  void need_no_model_of_others() const {
    for (const char* name : {"model", "best"})
      if (fs::exists(options_.out / name))
        fail(ErrorCode::State, options_.out, " holds a folder ", name,
             ", but no checkpoint of a training that made it. Choose another folder.");
  }

  void check_same_training(const std::map<std::string, std::string>& metadata) const {
    for (const char* key : {kRecipe, kInputs, kStep})
      if (!metadata.contains(key))
        fail(ErrorCode::Format, checkpoint(), " does not say by which ", key, " it was made.");
    const std::string changed =
        difference(setup_.recipe.json, parse_json(metadata.at(kRecipe), checkpoint().string()));
    const std::string instead = text_of(" Begin in another folder; \"start\": [\"", options_.out.string(),
                                        "\"] keeps what was learnt.");
    if (!changed.empty())
      fail(ErrorCode::State, checkpoint(), " was made by another recipe: ", changed, ".", instead);
    const Json before = parse_json(metadata.at(kInputs), checkpoint().string());
    for (const auto& [input, hash] : inputs_.items())
      if (before.value(input, "") != hash)
        fail(ErrorCode::State, "What the recipe names as ", input, " has changed since ", checkpoint(),
             " was made.", instead);
  }

  void save(std::int64_t step) const {
    std::map<std::string, std::string> metadata{{kRecipe, setup_.recipe.json.dump()},
                                                {kInputs, inputs_.dump()},
                                                {kLabels, setup_.batches.labels()},
                                                {kStep, std::to_string(step)}};
    if (best_) metadata[kBest] = Json(*best_).dump();
    if (validation_due_) metadata[kValidationDue] = "true";
    NamedTensors state = optimizer_.state();
    for (const auto& [name, value] : state)
      if (!at::isfinite(value).all().item<bool>())
        fail(ErrorCode::Internal, "After step ", step, " ", name,
             " is not finite, and is not saved: an earlier checkpoint is kept. Train with a lower "
             "learning_rate.");
    std::ranges::copy(setup_.unchanged(), std::back_inserter(state));
    write_safetensors(checkpoint(), state, metadata);
  }

  const TrainOptions& options_;
  TrainingSetup setup_;
  Optimizer optimizer_;
  Json inputs_;
  std::optional<Validation> validation_;
  std::optional<double> best_;   // the best score so far
  bool validation_due_ = false;  // of the last step: it was stopped in the middle
};

}  // namespace

void train(const fs::path& recipe, const TrainOptions& options) {
  check_not_forked();
  const OwnState own;
  const KeptMemory kept;
  Trainer(recipe, options).run();
}

}  // namespace medplib::core
