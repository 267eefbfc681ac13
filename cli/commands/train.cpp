#include "commands/commands.h"
#include "interrupt.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "progress.h"

#include <medplib/core/train.h>

#include <iomanip>
#include <iostream>
#include <sstream>
#include <utility>

namespace medplib::cli {

namespace {

void print_parts(const std::vector<core::TrainPart>& parts) {
  std::vector<Row> rows{{"part", "trained tensors", "parameters", "frozen tensors", "parameters"}};
  core::TrainPart all{.name = "all"};
  const auto add = [&rows](const core::TrainPart& part) {
    rows.push_back({part.name, std::to_string(part.trained.tensors), std::to_string(part.trained.parameters),
                    std::to_string(part.frozen.tensors), std::to_string(part.frozen.parameters)});
  };
  for (const auto& part : parts) {
    add(part);
    all.trained.tensors += part.trained.tensors;
    all.trained.parameters += part.trained.parameters;
    all.frozen.tensors += part.frozen.tensors;
    all.frozen.parameters += part.frozen.parameters;
  }
  add(all);
  print_table(rows);
}

void print_sets(const char* title, const std::vector<core::TrainSet>& sets) {
  std::vector<Row> rows{{title, "images", "questions", "masks"}};
  core::TrainSet all{.name = "all"};
  const auto add = [&rows](const core::TrainSet& set) {
    rows.push_back({set.name.empty() ? "(no set)" : set.name, std::to_string(set.images),
                    std::to_string(set.questions), std::to_string(set.masks)});
  };
  for (const auto& set : sets) {
    add(set);
    all.images += set.images;
    all.questions += set.questions;
    all.masks += set.masks;
  }
  add(all);
  print_table(rows);
}

void print_plan(const core::TrainPlan& plan) {
  std::cout << plan.steps << " steps\n\n";
  print_parts(plan.parts);
  print_sets("to learn from", plan.sets);
  if (plan.left_out > 0)
    std::cout << plan.left_out << " records are left out: " << core::kUnlearnable << ".\n\n";
  if (!plan.validation.empty()) print_sets("to validate by", plan.validation);
  print_table({{"memory", ""},
               {"weights", megabytes(plan.weight_bytes)},
               {"gradients", megabytes(plan.gradient_bytes)},
               {"optimizer", megabytes(plan.optimizer_bytes)},
               {"activations", megabytes(plan.activation_bytes)},
               {"together", megabytes(plan.weight_bytes + plan.gradient_bytes + plan.optimizer_bytes +
                                      plan.activation_bytes)}});
  std::cout
      << "Activations grow with images_per_step (accumulate=2 halves them). The program itself takes a few\n"
         "hundred MB more; so do pictures that are kept: up to 2 GB, and as much for what each frozen image\n"
         "tower sees.\n";
}

// With the losses that this training has.
std::string line_of(const core::TrainProgress& progress) {
  std::ostringstream line;
  line << "step " << progress.step << '/' << progress.steps << std::fixed << std::setprecision(3) << "  loss "
       << progress.loss;
  for (const auto& [name, loss] : progress.losses)
    if (loss != 0) line << "  " << name << ' ' << loss;
  line << std::setprecision(1) << "  " << progress.samples_per_second << " questions/s  "
       << time_left(progress.seconds_left);
  return line.str();
}

void print_validation(const core::TrainValidation& validation) {
  if (quiet()) return;
  std::cerr << "validation at step " << validation.step << std::fixed << std::setprecision(3);
  if (validation.masks > 0)
    std::cerr << "  gIoU " << validation.giou << "  Dice " << validation.dice << " of " << validation.masks
              << " masks";
  if (validation.answer_tokens > 0) std::cerr << "  cross_entropy " << validation.cross_entropy;
  std::cerr << (validation.best ? "  the best so far" : "") << std::endl;
}

class Train : public Command {
 public:
  CommandText text() const override {
    return {
        "train", "RECIPE [KEY=VALUE...]", "Trains a model by a recipe.",
        "The checkpoint, a log (log.jsonl) and at the end the model folder (model/) are written to --out; "
        "when the recipe names records to validate by, also the best model so far (best/) and, except in "
        "objective language, overlays (validation/). Ctrl-C writes a checkpoint; --resume goes on from it.",
        "medplib train mydata/recipe.json steps=200 --out mydata/first"};
  }

  void add_options(Options& options) override {
    add_text(options, "out", out_, "DIR", "where to write; needed but with --dry-run");
    add_switch(options, "resume", options_.resume, "go on from the checkpoint in --out");
    add_number(options, "workers", options_.workers, Range<int>{0, 256, "from 0 to 256"},
               "threads that prepare coming images; any number gives the same weights");
    add_number(options, "max-samples", max_samples_, Range<std::int64_t>{1, std::int64_t{1} << 40, "from 1"},
               "use this many records, evenly out of all: short for max_samples=N");
    add_switch(options, "dry-run", dry_run_, "say what would be done, and end");
  }

  int run(const std::vector<std::string>& operands) override {
    if (operands.empty()) fail_usage("train needs a recipe, such as mydata/recipe.json.");
    if (out_.empty() && !dry_run_) fail_usage("train needs --out DIR.");
    options_.out = out_;
    options_.overrides.assign(operands.begin() + 1, operands.end());
    if (max_samples_) options_.overrides.push_back("max_samples=" + std::to_string(*max_samples_));
    if (dry_run_) {
      const core::TrainPlan plan = core::plan_training(operands.front(), options_);
      for (const std::string& warning : plan.warnings) print_warning(warning);
      print_plan(plan);
      return kOk;
    }
    options_.stop = &interrupted();
    {
      ProgressLine line(ProgressLine::Kind::Lasting);
      options_.on_step = [&line](const core::TrainProgress& progress) {
        if (line.is_due() || (!quiet() && progress.step == progress.steps)) line.show(line_of(progress));
      };
      options_.on_warning = [&line](const std::string& warning) {
        line.end();
        print_warning(warning);
      };
      options_.on_validation = [&line](const core::TrainValidation& validation) {
        line.end();
        print_validation(validation);
      };
      core::train(operands.front(), options_);
    }
    std::cout << (options_.out / "model").string() << '\n';
    return kOk;
  }

 private:
  core::TrainOptions options_;
  std::string out_;
  std::optional<std::int64_t> max_samples_;
  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_train() { return std::make_unique<Train>(); }

}  // namespace medplib::cli
