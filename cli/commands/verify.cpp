#include "commands/commands.h"
#include "engine.h"
#include "interrupt.h"
#include "options.h"
#include "output.h"

#include <medplib/core/model.h>

#include <filesystem>
#include <iostream>

namespace medplib::cli {

namespace {

class Verify : public Command {
 public:
  CommandText text() const override {
    return {"verify", "", "Checks a model folder: hashes, names, shapes, types, values, tokenizer.",
            "Prints \"ok\", and whether there were hashes to compare, or a line for each problem and exits "
            "with 1.",
            "medplib verify --model models/tiny"};
  }

  void add_options(Options& options) override {
    add_model(options, folder_);
    add_switch(options, "json", json_, "print one JSON object");
  }

  int run(const std::vector<std::string>& operands) override {
    if (!operands.empty()) fail_usage("verify takes no operand; use --model DIR.");
    const std::filesystem::path folder = model_folder(folder_);
    const std::vector<std::string> problems =
        during(Phase::Model, [&] { return core::verify(folder, stop_when_interrupted); });
    const bool has_hashes = std::filesystem::exists(folder / "medplib.json");
    if (json_) {
      print_line({{"problems", problems}, {"has_hashes", has_hashes}});
    } else {
      for (const std::string& problem : problems) std::cout << problem << '\n';
      if (problems.empty())
        std::cout << (has_hashes ? "ok\n" : "ok, but there is no medplib.json with hashes to compare\n");
    }
    return problems.empty() ? kOk : kFailure;
  }

 private:
  std::string folder_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_verify() { return std::make_unique<Verify>(); }

}  // namespace medplib::cli
