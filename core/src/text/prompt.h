// Prompts: the two conversation templates, placeholders for images and regions, and labels for training.
#pragma once

#include "text/tokenizer.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace medplib::core {

enum class ConversationTemplate { VicunaV1, LlavaV1 };

// "vicuna_v1" or "llava_v1". Errors: Format.
ConversationTemplate conversation_template(const std::string& name);
const char* conversation_template_name(ConversationTemplate value);

// One exchange; an empty answer in the last turn is the one to be generated.
struct Turn {
  std::string question;
  std::string answer;
};

struct Prompt {
  std::string text;          // as it is sent, for people to read
  std::vector<TokenId> ids;  // with kImagePlaceholder and kRegionPlaceholder
};

// The whole conversation: system sentence, the images at the front of the first turn, the questions and
// answers. `regions_per_turn`: that many `<region></region>` pairs of the turn's question are kept as tokens
// (missing ones are put behind the question, one a region, in order). Everything else that looks like a token
// in a question is plain text; in an answer only <SEG> is a token. White space around the first question is
// dropped when there are images. Errors: InvalidArgument: no turn, a question that is empty or only white
// space, invalid UTF-8, more <region></region> pairs than regions, no answer before the last turn.
Prompt build_prompt(const Tokenizer& tokenizer, ConversationTemplate style, std::span<const Turn> turns,
                    std::span<const int> regions_per_turn, int images);

// Ids of text that is trusted as a whole (training data, goldens): split at <image>, one BOS, placeholders
// put in.
std::vector<TokenId> encode_prompt(const Tokenizer& tokenizer, std::string_view text);

// A training conversation: ids and labels (kIgnoredLabel where nothing is learned).
struct LabelledPrompt {
  std::string text;
  std::vector<TokenId> ids;
  std::vector<TokenId> labels;
  bool mismatch = false;  // its answers cannot be told from the rest: all labels are kIgnoredLabel
};
// The texts are trusted; an <image> anywhere in a question stands at its front in the result.
LabelledPrompt label_conversation(const Tokenizer& tokenizer, ConversationTemplate style,
                                  std::span<const Turn> turns);

// What the verbs send (defaults; a manifest may replace them). {phrase} stands for the user's words.
struct VerbTemplates {
  std::string segment = "Please segment the {phrase} in this image.";
  std::string describe =
      "What is the abnormality or structure in the region <region></region> of this image?";
};

// The template with the user's words in place of {phrase}. Errors: InvalidArgument: nothing but white space
// in `phrase`, or invalid UTF-8.
std::string fill_phrase(std::string_view verb_template, std::string_view phrase);

}  // namespace medplib::core
