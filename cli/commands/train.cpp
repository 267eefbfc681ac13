#include "commands/commands.h"
#include "interrupt.h"
#include "messages.h"
#include "options.h"

#include <medplib/core/train.h>

#include <chrono>
#include <cstdio>
#include <iomanip>
#include <iostream>

namespace medplib::cli {

namespace {

void print_plan(const core::TrainPlan& plan) {
  std::cout << plan.steps << " steps, " << plan.parameters << " parameters\n"
            << plan.images << " images, " << plan.questions << " questions, " << plan.masks << " masks\n\n";
  for (const auto& [name, images] : plan.sets)
    std::cout << "  " << std::left << std::setw(24) << (name.empty() ? "(no set)" : name) << std::right
              << std::setw(7) << images << " images\n";
}

// One line a few times a minute, or in place on a terminal.
class ProgressLine {
 public:
  ~ProgressLine() {
    if (open_) std::cerr << '\n';
  }

  void operator()(const core::TrainProgress& progress) {
    const auto now = std::chrono::steady_clock::now();
    const bool terminal = stderr_is_terminal();
    const auto pause = terminal ? std::chrono::seconds(1) : std::chrono::seconds(20);
    if (quiet() || (now - last_ < pause && progress.step != progress.steps)) return;
    last_ = now;
    char line[200];
    std::snprintf(line, sizeof line,
                  "step %ld/%ld  loss %.3f  words %.3f  dice %.3f  bce %.3f  clicks %.3f  %.1f questions/s  "
                  "%.0f min left",
                  static_cast<long>(progress.step), static_cast<long>(progress.steps), progress.loss,
                  progress.cross_entropy, progress.dice, progress.bce, progress.prompted,
                  progress.samples_per_second, progress.seconds_left / 60);
    std::cerr << (terminal ? "\r" : "") << line << (terminal ? "\033[K" : "\n") << std::flush;
    open_ = terminal;
  }

 private:
  std::chrono::steady_clock::time_point last_{};
  bool open_ = false;
};

// Runs `work`; what it could not read is an input of the program, or the model.
template <class Work>
auto training(const Work& work) {
  try {
    return work();
  } catch (const core::TrainInputError& error) {
    throw Failure(error.input() == core::TrainInput::Model ? Phase::Model : Phase::Input, error);
  }
}

class Train : public Command {
 public:
  CommandText text() const override {
    return {"train", "RECIPE [KEY=VALUE...]", "Trains a model by a recipe.",
            "The checkpoint, a log (log.jsonl) and at the end the model folder (model/) are written to "
            "--out. Ctrl-C "
            "writes a checkpoint; --resume goes on from it.",
            "medplib train models/tiny/grounding.json steps=200 --out /tmp/grounding"};
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
    if (operands.empty()) fail_usage("train needs a recipe, such as models/tiny/grounding.json.");
    if (out_.empty() && !dry_run_) fail_usage("train needs --out DIR.");
    options_.out = out_;
    options_.overrides.assign(operands.begin() + 1, operands.end());
    if (max_samples_) options_.overrides.push_back("max_samples=" + std::to_string(*max_samples_));
    if (dry_run_) {
      print_plan(training([&] { return core::plan_training(operands.front(), options_); }));
      return kOk;
    }
    options_.stop = &interrupted();
    {
      ProgressLine line;
      options_.on_step = [&line](const core::TrainProgress& progress) { line(progress); };
      training([&] { core::train(operands.front(), options_); });
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
