#include "commands/commands.h"
#include "interrupt.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "progress.h"

#include <medplib/core/check.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <optional>

namespace medplib::cli {

namespace {

// "checking: 42 %, 2:05 left", a second after the start at the earliest.
class CheckProgress {
 public:
  void operator()(double part) {
    if (!line_.is_due()) return;
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start_;
    if (part > 0 && taken.count() > 1)
      line_.show(core::text_of("medplib: checking: ", static_cast<int>(100 * part), " %, ",
                               time_left(taken.count() / part * (1 - part))));
  }
  void end() { line_.end(); }

 private:
  ProgressLine line_{ProgressLine::Kind::Fleeting};
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// `known`: those that MeCoVQA has, be they here or not. `of_others`: what is said of its others.
template <std::size_t count>
void add_counts(std::vector<Row>& rows, const char* kind, core::WordCounts counts,
                const std::array<const char*, count>& known, const char* of_others) {
  rows.push_back({kind, "", ""});
  for (const char* word : known) counts[word] += 0;
  for (const auto& [word, number] : counts) {
    const bool published = std::ranges::find(known, word) != known.end();
    rows.push_back({"  " + (word.empty() ? "(not said)" : word), std::to_string(number),
                    word.empty() ? ""
                    : published  ? "has it"
                                 : of_others});
  }
}

void print_summary(const core::DataSummary& found) {
  std::vector<Row> rows{{"", "here", "MeCoVQA"},
                        {"records", std::to_string(found.records), std::to_string(core::kPublishedRecords)},
                        {"images", std::to_string(found.images), "not known"},
                        {"regions", std::to_string(found.regions), "not known"},
                        {"masks", std::to_string(found.masks), "not known"}};
  add_counts(rows, "modality", found.modality, core::kPublishedModalities, "lacks it");
  add_counts(rows, "subset", found.subset, core::kPublishedSubsets, "lacks it");
  add_counts(rows, "answer type", found.answer_type, core::kPublishedAnswerTypes, "not known");
  print_table(rows);
  std::vector<std::string> faults;
  for (const auto& [fault, count] : found.findings)
    faults.push_back(core::text_of(core::to_text(fault), ' ', count));
  if (faults.empty())
    std::cout << "Nothing is wrong with the records";
  else
    std::cout << found.at_fault << " of " << found.records << " records are at fault: " << joined(faults);
  std::cout << (found.pictures
                    ? ".\n"
                    : ".\nThe pictures were not opened: --pictures also looks for damaged files, empty, "
                      "full and wrong-size masks,\nmasks of several values, and images of one list that "
                      "look like those of another.\n");
}

class Data : public Command {
 public:
  CommandText text() const override {
    return {"data", "check DATA.json [DATA.json...]", "Checks lists of records: files, tags, masks, leaks.",
            "Prints a line for each fault, with list, record and id, and how many records there are of each "
            "kind; "
            "exits with 1 when there is a fault. Several lists are the parts of a split, in none of which an "
            "image "
            "of another may be.",
            "medplib data check train.json test.json --images SAMed2D_v1 --pictures"};
  }

  void add_options(Options& options) override {
    add_text(options, "images", images_, "DIR",
             "where the records' paths start (default: each list's folder)");
    add_switch(options, "pictures", options_.pictures, "open images and masks, too: minutes for large sets");
    add_switch(options, "json", json_, "print one JSON object");
  }

  bool prints_json() const override { return json_; }

  int run(const std::vector<std::string>& operands) override {
    if (operands.empty() || operands.front() != "check") fail_usage("data needs what to do: check.");
    if (operands.size() < 2) fail_usage("data check needs a list of records, such as train.json.");
    options_.images = images_;
    std::optional<core::DataCheckJson> json;
    if (json_) json.emplace();
    CheckProgress progress;
    options_.between = [&](double part) {
      stop_when_interrupted();
      progress(part);
    };
    options_.on_finding = [&](const core::DataFinding& found) {
      if (json) return during(Phase::Work, [&] { json->add(found); });
      progress.end();
      std::cout << core::to_text(found.fault) << ": " << found.sentence << '\n';
    };
    const core::DataSummary summary = checked({operands.begin() + 1, operands.end()});
    progress.end();
    if (json) {
      json->write(summary, std::cout);
      std::cout << std::endl;
    } else {
      print_summary(summary);
    }
    return summary.findings.empty() ? kOk : kFailure;
  }

 private:
  core::DataSummary checked(const std::vector<std::filesystem::path>& lists) const {
    try {
      return core::check_data(lists, options_);
    } catch (const Failure&) {
      throw;
    } catch (const core::Error& error) {  // nothing else: writing a line may fail, too
      throw Failure(Phase::Input, error);
    }
  }

  core::DataCheckOptions options_;
  std::string images_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_data() { return std::make_unique<Data>(); }

}  // namespace medplib::cli
