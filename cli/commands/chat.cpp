#include "commands/commands.h"
#include "engine.h"
#include "interrupt.h"
#include "messages.h"
#include "options.h"
#include "output.h"

#include <iostream>
#include <unistd.h>
#include <utility>

namespace medplib::cli {

namespace {

class Chat : public Command {
 public:
  CommandText text() const override;
  void add_options(Options& options) override;
  int run(const std::vector<std::string>& operands) override;

 private:
  void open(const std::vector<std::string>& files);
  bool read_message(std::string& message) const;
  void answer(const std::string& message);

  Engine engine_;
  core::AskOptions ask_;
  core::ImageOptions image_;
  std::vector<std::string> regions_;
  PictureFiles files_;
  OutputPlan outputs_;
  std::vector<core::Image> images_;
  int messages_ = 0;
};

CommandText Chat::text() const {
  return {"chat", "IMAGE [IMAGE...]",
          "Talks about images: a line of stdin is a message, and each answer knows those before.",
          "All images stand in the first message, and so do the regions. In the name of a written file {} "
          "stands\n"
          "for the number of the message.",
          "medplib chat eye.jpg --out-mask mask-{}.png"};
}

void Chat::add_options(Options& options) {
  add_regions(options, regions_);
  add_text(options, "out-mask", files_.masks, "FILE",
           "write the mask of an answer, more to FILE-2, FILE-3, ... before the extension; without {} the "
           "latest stay");
  add_text(options, "overlay", files_.overlay, "FILE", "write the image with an answer's masks drawn on it");
  add_ask_options(options, ask_);
  engine_.add_options(options);
  add_image_options(options, image_);
}

void Chat::open(const std::vector<std::string>& files) {
  during(Phase::Input, [&] {
    for (const std::string& file : files) images_.push_back(core::Image::read(file, image_));
    for (const std::string& region : regions_)
      ask_.regions.push_back(core::Region::parse(region, image_.limits));
  });
  // Refuses what lies outside before the model is loaded, and not again at each message.
  for (const core::Region& region : ask_.regions)
    region.rasterize(images_.front().width(), images_.front().height());
  ask_.on_text = [](const core::StreamPiece& piece) {
    std::cout << piece.text << std::flush;
    return core::StreamAction::Continue;
  };
  engine_.session().set_images(images_);
}

int Chat::run(const std::vector<std::string>& operands) {
  if (operands.empty()) fail_usage("chat needs an image.");
  outputs_.keep(operands, regions_);
  outputs_.plan(files_, {}, {});
  if (outputs_.takes_standard_output())
    fail_usage("A chat's words go to the standard output: name a file for the picture.");
  open(operands);
  bool failed = false, asked = false;
  for (std::string message; read_message(message);) {
    asked = true;
    try {
      answer(message);
    } catch (const core::Error& error) {
      if (error.code() == core::ErrorCode::Cancelled) throw;
      print_error(error.what());
      failed = true;
    }
  }
  if (!asked && ::isatty(STDIN_FILENO) != 1)
    print_warning("The standard input is empty: there is no message in it to answer.");
  return failed ? kSomeFailed : kOk;
}

bool Chat::read_message(std::string& message) const {
  const bool by_hand = ::isatty(STDIN_FILENO) == 1;
  do {
    stop_when_interrupted();
    if (by_hand) std::cerr << "> " << std::flush;
    if (!std::getline(std::cin, message)) return stop_when_interrupted(), false;
  } while (message.find_first_not_of(" \t\r") == std::string::npos);
  return true;
}

void Chat::answer(const std::string& message) {
  OutputPlan outputs = outputs_;  // what an earlier message wrote may be replaced
  outputs.plan(named(files_, std::to_string(++messages_)), {}, {});
  core::Answer answer = during(Phase::Work, [&] { return engine_.session().chat(message, ask_); });
  ask_.regions.clear();
  std::cout << '\n';
  WrittenPictures written;
  if (!answer.masks.empty()) written = outputs.write(images_.front(), answer.masks, {}, answer.warnings);
  for (const std::string& warning : answer.warnings) print_warning(warning);
  for (std::size_t i = 0; i < answer.masks.size(); ++i)
    std::cout << line_of(answer.masks[i], written.masks[i]) << '\n';
  std::cout << std::flush;
}

}  // namespace

std::unique_ptr<Command> make_chat() { return std::make_unique<Chat>(); }

}  // namespace medplib::cli
