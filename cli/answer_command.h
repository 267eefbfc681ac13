// ask, segment and describe: images in, answers out. They differ in what the user says besides.
#pragma once

#include "command.h"
#include "engine.h"
#include "output.h"
#include "requests.h"

#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace medplib::cli {

struct Verb {
  std::string words;  // what the last operand is called, "question" or "phrase"; empty: there is none
  bool needs_region = false;
  std::function<core::Answer(core::Session&, const std::string& words, const core::AskOptions&)> answer;
};

class AnswerCommand : public Command {
 public:
  AnswerCommand(CommandText text, Verb verb) : text_(std::move(text)), verb_(std::move(verb)) {}

  CommandText text() const override { return text_; }
  void add_options(Options& options) override;
  bool prints_json() const override { return json_; }
  int run(const std::vector<std::string>& operands) override;

 private:
  Requests requests_of(std::vector<std::string> operands);
  void check_options(const Requests& requests) const;
  void handle(const Request& request, bool named);
  void plan_pictures(const Request& request);
  core::AskOptions ask_options_of(const Request& request) const;
  void show(const std::vector<core::Image>& images);
  core::Answer answer(const Request& request, const std::vector<core::Image>& images,
                      const core::AskOptions& options);
  Json event_of(const Request& request) const;
  void print(const Request& request, const core::Answer& answer, const WrittenPictures& written,
             bool named) const;
  void report(const Request& request, const core::Error& error) const;
  std::ostream& people() const;
  bool streams() const;

  CommandText text_;
  Verb verb_;
  Engine engine_;
  core::AskOptions ask_;
  core::ImageOptions image_;
  Request common_;
  OutputPlan outputs_;
  std::vector<core::Image> shown_;
  bool together_ = false, json_ = false, json_lines_ = false;
};

}  // namespace medplib::cli
