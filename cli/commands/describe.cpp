#include "answer_command.h"
#include "commands/commands.h"

#include <utility>

namespace medplib::cli {

std::unique_ptr<Command> make_describe() {
  const CommandText text = {
      "describe", "IMAGE [IMAGE...] --region REGION", "Says what is in a region of an image.",
      "The image - stands for a list on stdin: a path a line or, with --jsonl, an object a line:\n"
      "{\"image\": FILE, \"region\": [REGION], \"out_mask\": FILE, \"overlay\": FILE, \"id\": ANYTHING}.",
      "medplib describe eye.jpg --region point:250,130"};
  return std::make_unique<AnswerCommand>(
      text, Verb{"", true, [](core::Session& session, const std::string&, core::AskOptions options) {
                   const core::Region region = options.regions.front();
                   options.regions.clear();
                   return session.describe(region, options);
                 }});
}

}  // namespace medplib::cli
