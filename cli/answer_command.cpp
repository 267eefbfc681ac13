#include "answer_command.h"

#include "interrupt.h"
#include "messages.h"
#include "options.h"

#include <medplib/core/files.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <iostream>

namespace medplib::cli {

using core::ErrorCode;

namespace {

std::vector<core::Image> read_images(const std::vector<std::string>& files,
                                     const core::ImageOptions& options) {
  return during(Phase::Input, [&] {
    std::vector<core::Image> images;
    images.reserve(files.size());
    for (const std::string& file : files) images.push_back(core::Image::read(file, options));
    return images;
  });
}

// On the first image; this also refuses what lies outside before the model is loaded.
std::vector<cv::Mat> rasterize(const std::vector<core::Region>& regions, const core::Image& image) {
  std::vector<cv::Mat> masks;
  masks.reserve(regions.size());
  for (const core::Region& region : regions) masks.push_back(region.rasterize(image.width(), image.height()));
  return masks;
}

bool same_pixels(const core::Image& a, const core::Image& b) {
  return a.rgb().size() == b.rgb().size() && cv::norm(a.rgb(), b.rgb(), cv::NORM_INF) == 0;
}

// Errors that the other items of a call would meet too.
bool ends_everything(const core::Error& error) {
  return error.code() == ErrorCode::Cancelled || phase_of(error) == Phase::Model;
}

void warn_of_empty_list(const Requests& requests) {
  if (requests.list_was_empty())
    print_warning("The list on the standard input is empty: there is no image in it to answer about.");
}

}  // namespace

void AnswerCommand::add_options(Options& options) {
  add_regions(options, common_.regions);
  add_text(options, "out-mask", common_.files.masks, "FILE",
           "write the mask as a PNG of 0 and 255 at image size; more go to FILE-2, FILE-3, ... before the "
           "extension");
  add_text(options, "overlay", common_.files.overlay, "FILE",
           "write the image with the masks drawn on it as a PNG");
  add_switch(options, "json", json_, "print the answer as one JSON object");
  add_switch(options, "jsonl", json_lines_,
             "print a JSON object a line for each answer or error; with the image -, read requests so, too");
  add_switch(options, "together", together_, "put all images into one prompt; masks are drawn on the first");
  add_ask_options(options, ask_);
  engine_.add_options(options);
  add_image_options(options, image_);
}

int AnswerCommand::run(const std::vector<std::string>& operands) {
  Requests requests = requests_of(operands);
  check_options(requests);
  if (together_) {
    const Request all = requests.together();
    warn_of_empty_list(requests);
    return handle(all, false), kOk;
  }
  bool failed = false;
  for (;;) {
    stop_when_interrupted();
    Request request;
    try {
      if (!requests.next(request)) break;
      handle(request, requests.many());
    } catch (const core::Error& error) {
      const bool ends = !requests.many() || ends_everything(error);
      if (!ends || json_lines_) report(request, error);
      if (ends) throw;
      failed = true;
    }
  }
  stop_when_interrupted();
  warn_of_empty_list(requests);
  return failed ? kSomeFailed : kOk;
}

Requests AnswerCommand::requests_of(std::vector<std::string> operands) {
  Request common = common_;
  const bool lines_have_words = json_lines_ && operands == std::vector<std::string>{"-"};
  if (!verb_.words.empty() && !lines_have_words) {
    if (operands.size() < 2) fail_usage(text_.name, " needs an image and a ", verb_.words, ".");
    common.words = operands.back();
    operands.pop_back();
  }
  if (operands.empty()) fail_usage(text_.name, " needs an image.");
  outputs_.keep(operands, {});
  return {std::move(operands), std::move(common), verb_.words, json_lines_};
}

void AnswerCommand::check_options(const Requests& requests) const {
  const bool several = requests.many() && !together_;
  if (json_ && json_lines_) fail_usage("--json and --jsonl exclude each other.");
  if (json_ && several) fail_usage("--json prints one result; use --jsonl for several images.");
  if (together_ && json_lines_) fail_usage("--together gives one result; use --json with it.");
  for (const std::string& file : {common_.files.masks, common_.files.overlay})
    if (several && !file.empty() && file.find("{}") == std::string::npos)
      fail_usage("Several images cannot all write \"", file,
                 "\": put {} into the name, for each image's own.");
  for (const std::string& file : {common_.files.masks, common_.files.overlay}) core::check_png_name(file);
}

void AnswerCommand::handle(const Request& request, bool named) {
  plan_pictures(request);
  const std::vector<core::Image> images = read_images(request.images, image_);
  const core::AskOptions options = ask_options_of(request);
  const std::vector<cv::Mat> pointed_at = rasterize(options.regions, images.front());

  engine_.session();
  if (streams() && named) std::cout << request.images.front() << ": " << std::flush;
  core::Answer answer = this->answer(request, images, options);
  const WrittenPictures written = outputs_.write(images.front(), answer.masks, pointed_at, answer.warnings);
  for (const std::string& warning : answer.warnings)
    print_warning(named ? request.images.front() + ": " + warning : warning);
  print(request, answer, written, named);
}

void AnswerCommand::plan_pictures(const Request& request) {
  outputs_.plan(request.files, request.images, request.regions);
  if ((json_ || json_lines_) && outputs_.takes_standard_output())
    core::fail(ErrorCode::InvalidArgument,
               "JSON and a picture cannot both go to the standard output: name a file for the picture.");
}

core::AskOptions AnswerCommand::ask_options_of(const Request& request) const {
  if (verb_.needs_region && request.regions.size() != 1)
    core::fail(ErrorCode::InvalidArgument, text_.name, " needs one region, and ", request.regions.size(),
               " are given.");
  core::AskOptions options = ask_;
  for (const std::string& region : request.regions)
    options.regions.push_back(
        during(Phase::Input, [&] { return core::Region::parse(region, image_.limits); }));
  options.on_text = [this](const core::StreamPiece& piece) {
    if (streams()) std::cout << piece.text << std::flush;
    return core::StreamAction::Continue;
  };
  return options;
}

// What was encoded for the request before is used again when the images are the same.
void AnswerCommand::show(const std::vector<core::Image>& images) {
  if (std::ranges::equal(images, shown_, same_pixels)) return;
  during(Phase::Work, [&] { engine_.session().set_images(images); });
  shown_ = images;
}

core::Answer AnswerCommand::answer(const Request& request, const std::vector<core::Image>& images,
                                   const core::AskOptions& options) {
  show(images);
  try {
    core::Answer answer =
        during(Phase::Work, [&] { return verb_.answer(engine_.session(), request.words, options); });
    if (streams()) std::cout << '\n';
    return answer;
  } catch (...) {
    if (streams()) std::cout << '\n';
    throw;
  }
}

// What was asked, as far as it is known: a bad line may say little.
Json AnswerCommand::event_of(const Request& request) const {
  Json event = Json::object();
  if (request.line > 0) event["line"] = request.line;
  if (request.images.size() == 1) event["image"] = request.images.front();
  if (request.images.size() > 1) event["images"] = request.images;
  if (!request.words.empty()) event[verb_.words] = request.words;
  return event;
}

void AnswerCommand::print(const Request& request, const core::Answer& answer, const WrittenPictures& written,
                          bool named) const {
  if (json_ || json_lines_) {
    Json event = event_of(request);
    event.update(json_of(answer, written));
    return print_line(event, request.id);
  }
  const std::string prefix = named ? request.images.front() + ": " : "";
  if (!streams()) people() << prefix << answer.text << '\n';
  for (std::size_t i = 0; i < answer.masks.size(); ++i)
    people() << prefix << line_of(answer.masks[i], written.masks[i]) << '\n';
  people() << std::flush;
}

void AnswerCommand::report(const Request& request, const core::Error& error) const {
  if (json_lines_) {
    Json event = event_of(request);
    event["error"] = json_of(error);
    return print_line(event, request.id);
  }
  const std::string sentence = error.what();
  const std::string about =
      request.images.empty() ? core::text_of("line ", request.line) : core::first_five(request.images);
  print_error(core::shortened(sentence.find(about) == std::string::npos ? about + ": " + sentence : sentence,
                              core::kLongestMessage));
}

// Where words go: beside a picture that takes the standard output.
std::ostream& AnswerCommand::people() const {
  return outputs_.takes_standard_output() ? std::cerr : std::cout;
}

// People see the words as they come; a program gets them whole.
bool AnswerCommand::streams() const {
  return stdout_is_terminal() && !json_ && !json_lines_ && !outputs_.takes_standard_output();
}

}  // namespace medplib::cli
