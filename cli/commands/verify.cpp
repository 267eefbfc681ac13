#include "commands/commands.h"
#include "engine.h"
#include "interrupt.h"
#include "messages.h"
#include "options.h"
#include "progress.h"

#include <medplib/core/model.h>

#include <iostream>

namespace medplib::cli {

namespace {

void show_reading(double part) {
  show_progress("reading the weights", part);
  stop_when_interrupted();
}

void print_read(const core::WeightsInfo& weights) {
  if (weights.tensors == 0) return;
  print_note("read " + core::words_of(weights));
  if (!weights.left_alone.empty()) print_note("left alone: " + core::first_five(weights.left_alone));
}

class Verify : public Command {
 public:
  CommandText text() const override {
    return {"verify", "[DIR]", "Checks a model folder: hashes, names, shapes, types, values, tokenizer.",
            "Prints \"ok\", and whether there were hashes to compare, or a line for each problem and exits "
            "with 1. What was read is told on stderr.",
            "medplib verify models/tiny"};
  }

  void add_options(Options& options) override {
    add_model(options, folder_);
    add_switch(options, "json", json_, "print one JSON object");
  }

  bool prints_json() const override { return json_; }

  int run(const std::vector<std::string>& operands) override {
    const std::filesystem::path folder = model_folder(folder_, operands, "verify");
    const core::Verification found = during(Phase::Model, [&] { return core::verify(folder, show_reading); });
    show_progress("reading the weights", 1);
    if (json_) {
      std::cout << core::verification_json(found) << std::endl;
    } else {
      print_read(found.read);
      for (const std::string& problem : found.problems) std::cout << problem << '\n';
      if (found.problems.empty())
        std::cout << (found.has_hashes ? "ok\n"
                                       : "ok, but there is no medplib.json with hashes to compare\n");
    }
    return found.problems.empty() ? kOk : kFailure;
  }

 private:
  std::string folder_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_verify() { return std::make_unique<Verify>(); }

}  // namespace medplib::cli
