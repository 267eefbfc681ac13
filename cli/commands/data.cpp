#include "commands/commands.h"
#include "interrupt.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "progress.h"

#include <medplib/core/check.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>

namespace medplib::cli {

namespace {

// "checking, 2:05 left: 42 %", a few times a second.
class TimeLeft {
 public:
  void operator()(double part) {
    stop_when_interrupted();
    const auto now = Clock::now();
    if (now - shown_ < std::chrono::milliseconds(200)) return;
    shown_ = now;
    const std::chrono::duration<double> taken = now - start_;
    const auto left = part > 0 ? static_cast<std::int64_t>(taken.count() / part * (1 - part)) : 0;
    std::ostringstream work;
    work << "checking, " << left / 60 << ':' << std::setw(2) << std::setfill('0') << left % 60 << " left";
    show_progress(work.str().c_str(), std::min(part, 0.99));
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now(), shown_ = start_;
};

void add_counts(std::vector<Row>& rows, const std::string& kind, const core::WordCounts& counts) {
  rows.push_back({kind, "", ""});
  for (const auto& [word, count] : counts)
    rows.push_back({"  " + (word.empty() ? "(not said)" : word), std::to_string(count), "not known"});
}

void print_summary(const core::DataSummary& found) {
  std::vector<Row> rows{{"", "here", "MeCoVQA"},
                        {"records", std::to_string(found.records), std::to_string(core::kPublishedRecords)},
                        {"images", std::to_string(found.images), "not known"},
                        {"regions", std::to_string(found.regions), "not known"},
                        {"masks", std::to_string(found.masks), "not known"}};
  add_counts(rows, "modality", found.modality);
  add_counts(rows, "subset", found.subset);
  add_counts(rows, "answer type", found.answer_type);
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
    std::vector<core::DataFinding> findings;
    options_.on_finding = [&](const core::DataFinding& found) {
      if (json_)
        findings.push_back(found);
      else
        std::cout << core::to_text(found.fault) << ": " << found.sentence << '\n';
    };
    TimeLeft time_left;
    options_.between = [&](double part) { time_left(part); };
    const core::DataSummary summary = checked({operands.begin() + 1, operands.end()});
    show_progress("checking", 1);
    if (json_)
      std::cout << core::data_check_json(summary, findings) << std::endl;
    else
      print_summary(summary);
    return summary.findings.empty() ? kOk : kFailure;
  }

 private:
  core::DataSummary checked(const std::vector<std::filesystem::path>& lists) const {
    try {
      return core::check_data(lists, options_);
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
