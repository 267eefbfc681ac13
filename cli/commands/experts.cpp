#include "commands/commands.h"
#include "interrupt.h"
#include "messages.h"
#include "options.h"

#include <medplib/core/experts.h>

#include <iostream>
#include <limits>
#include <sstream>

namespace medplib::cli {

namespace {

// "a,b" → {"a", "b"}.
std::vector<std::string> list_of(const std::string& text, const char* option) {
  std::vector<std::string> parts;
  std::istringstream stream(text + ",");
  for (std::string part; std::getline(stream, part, ',');) {
    if (part.empty())
      fail_usage("\"", text, "\" cannot be the value of --", option, ": a part of it is empty.");
    parts.push_back(part);
  }
  return parts;
}

class Experts : public Command {
 public:
  CommandText text() const override {
    return {
        "experts", "", "Joins dense models into one with experts, between which a router chooses.",
        "Expert 0 is the feed-forward part of the first folder of --from, in every layer, expert 1 that of "
        "the second. All else is of --rest. The router starts at random: train it next. Weights are copied "
        "as they are stored.",
        "medplib experts --from grounding/,language/ --out moe/"};
  }

  void add_options(Options& options) override {
    add_text(options, "from", from_, "DIR,DIR...", "folders of dense models, one an expert; two or more");
    add_text(options, "rest", rest_, "DIR", "the model that all else is of (default: the last of --from)");
    add_text(options, "layers", layers_, "N,N...", "layers that get experts, from 0 (default: all)");
    add_number(options, "seed", options_.seed,
               Range<std::uint64_t>{0, std::numeric_limits<std::uint64_t>::max(), "from 0"}, "of the router");
    add_text(options, "out", out_, "DIR", "the new model's folder, which must not be there yet");
  }

  int run(const std::vector<std::string>& operands) override {
    if (!operands.empty())
      fail_usage("experts takes no \"", operands.front(),
                 "\": name the folders after --from, with commas between.");
    if (from_.empty()) fail_usage("experts needs --from DIR,DIR: a folder for each expert.");
    if (out_.empty()) fail_usage("experts needs --out DIR.");
    for (const std::string& folder : list_of(from_, "from")) options_.from.emplace_back(folder);
    if (!layers_.empty())
      for (const std::string& layer : list_of(layers_, "layers"))
        options_.layers.push_back(number<std::int64_t>(layer, "layers", {0, 1024, "of a layer, from 0"}));
    options_.rest = rest_;
    options_.out = out_;
    options_.between = [](double part) {
      show_progress("writing the weights", part);
      stop_when_interrupted();
    };
    core::join_experts(options_);
    std::cout << options_.out.string() << '\n';
    return kOk;
  }

 private:
  core::ExpertsOptions options_;
  std::string from_, rest_, layers_, out_;
};

}  // namespace

std::unique_ptr<Command> make_experts() { return std::make_unique<Experts>(); }

}  // namespace medplib::cli
