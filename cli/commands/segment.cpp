#include "answer_command.h"
#include "commands/commands.h"

namespace medplib::cli {

std::unique_ptr<Command> make_segment() {
  const CommandText text = {
      "segment", "IMAGE [IMAGE...] PHRASE", "Draws the mask of what a phrase names.",
      "Each image is segmented on its own. The image - stands for a list on stdin: a path a line or, with\n"
      "--jsonl, an object a line: {\"image\": FILE, \"phrase\": TEXT, \"region\": [REGION...], \"out_mask\": "
      "FILE,\n"
      "\"overlay\": FILE, \"id\": ANYTHING}. In the name of a written file {} stands for the image's name.\n"
      "When the model sees no such thing, the written mask has nothing inside.",
      "medplib segment eye.jpg \"optic disc\" --out-mask disc.png --overlay look.png"};
  return std::make_unique<AnswerCommand>(
      text, Verb{"phrase", false,
                 [](core::Session& session, const std::string& phrase, const core::AskOptions& options) {
                   return session.segment(phrase, options);
                 }});
}

}  // namespace medplib::cli
