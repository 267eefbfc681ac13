#include "answer_command.h"
#include "commands/commands.h"

namespace medplib::cli {

std::unique_ptr<Command> make_ask() {
  const CommandText text = {
      "ask", "IMAGE [IMAGE...] QUESTION", "Answers a question about an image, or about a place in it.",
      "Each image is asked on its own. The image - stands for a list on stdin: a path a line or, with "
      "--jsonl,\n"
      "an object a line: {\"image\": FILE, \"question\": TEXT, \"region\": [REGION...], \"out_mask\": FILE,\n"
      "\"overlay\": FILE, \"id\": ANYTHING}. In the name of a written file {} stands for the image's name.",
      "medplib ask eye.jpg \"What is in this place?\" --region box:210,90,300,180"};
  return std::make_unique<AnswerCommand>(
      text, Verb{"question", false,
                 [](core::Session& session, const std::string& question, const core::AskOptions& options) {
                   return session.ask(question, options);
                 }});
}

}  // namespace medplib::cli
