// Prompts: the two conversation templates, placeholders for images and regions, and labels for training (reference §2, §6).
#pragma once

#include "text/tokenizer.h"

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

// A prompt in pieces, so that what a user wrote can be told from what the template wrote.
struct Prompt {
  std::string text;           // as it is sent, for people to read
  std::vector<TokenId> ids;   // with kImagePlaceholder and kRegionPlaceholder
};

// The whole conversation: system sentence, the images at the front of the first turn, the questions and answers.
// `regions` is the number of regions of each turn: that many `<region></region>` pairs of its question are kept as tokens (missing ones are
// put behind the question, one a region, in order); every other special or added token in a question is taken as plain text.
// Errors: InvalidArgument: empty question, invalid UTF-8, more <region></region> pairs than regions.
Prompt build_prompt(const Tokenizer& tokenizer, ConversationTemplate style, std::span<const Turn> turns,
                    std::span<const int> regions_per_turn, int images);

// Ids of text that is trusted as a whole (training data, goldens): split at <image>, one BOS, placeholders put in.
std::vector<TokenId> encode_prompt(const Tokenizer& tokenizer, std::string_view text);

// A training conversation: ids and labels (kIgnoredLabel where nothing is learned). `mismatch` = the sample must be ignored whole.
struct LabelledPrompt {
  std::vector<TokenId> ids;
  std::vector<TokenId> labels;
  bool mismatch = false;
};
LabelledPrompt label_conversation(const Tokenizer& tokenizer, ConversationTemplate style, std::span<const Turn> turns);

// What the verbs send (defaults; a manifest may replace them). {phrase} stands for the user's words.
struct VerbTemplates {
  std::string segment = "Please segment the {phrase} in this image.";
  std::string describe = "What is the abnormality or structure in the region <region></region> of this image?";
};

}  // namespace medplib::core
