// Prompts: the two conversation templates, placeholders for images and regions, and labels for training.
#pragma once

#include "text/tokenizer.h"

#include <medplib/core/names.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace medplib::core {

enum class ConversationTemplate { VicunaV1, LlavaV1 };

template <>
struct Names<ConversationTemplate> {
  static constexpr const char* kind = "conversation template";
  static constexpr NameTable<ConversationTemplate, 2> all = {
      {{ConversationTemplate::VicunaV1, "vicuna_v1"}, {ConversationTemplate::LlavaV1, "llava_v1"}}};
};

// The one that a file names. Errors: Format.
ConversationTemplate conversation_template(const std::string& name);

// A piece of a prompt. Asking, chat, packing and training all make lists of these.
struct PromptPart {
  enum class Kind {
    Words,   // a user's `text`, in which nothing is a token
    Tokens,  // `text` that is trusted: what is spelled like a token is one
    Image,   // the tokens around an image and its place: image `index`
    Region,  // the tokens around a region and its place: region `index`
    Seg,     // <SEG>
  };
  Kind kind = Kind::Words;
  std::string text = {};
  std::size_t index = 0;
};
using PromptParts = std::vector<PromptPart>;

// One exchange; an empty answer in the last turn is the one to be generated.
struct PromptTurn {
  PromptParts question;
  PromptParts answer;
};

// A user's question: the images, then the words, in which each `<region></region>` is the place of the next
// of `regions`; those without a place are put behind the words. Everything else that looks like a token is
// plain text. White space around the words is dropped when there are images. `name`: what messages call the
// question. Errors: InvalidArgument: nothing but white space, invalid UTF-8, more <region></region> pairs
// than regions.
PromptParts question_parts(std::string_view question, std::span<const std::size_t> images,
                           std::span<const std::size_t> regions, const std::string& name = "The question");

// An earlier answer, in which only <SEG> is a token. Errors: InvalidArgument: invalid UTF-8.
PromptParts answer_parts(std::string_view answer);

struct Prompt {
  std::string text;          // as it is sent, for people to read
  std::vector<TokenId> ids;  // with kImagePlaceholder and kRegionPlaceholder
  // Of each image placeholder, in order, the index of its image; of each region placeholder its region's.
  std::vector<std::size_t> images, regions;
};

// The whole conversation: system sentence, questions and answers. Errors: InvalidArgument: no turn, no answer
// before the last turn.
Prompt build_prompt(const Tokenizer& tokenizer, ConversationTemplate style,
                    std::span<const PromptTurn> turns);

// How many rows of the language model's input an id takes: an image `image_tokens`, all else one.
inline std::int64_t rows_of(TokenId id, std::int64_t image_tokens) {
  return id == kImagePlaceholder ? image_tokens : 1;
}

// How many of a prompt's ids belong to its images: up to and including the token behind the last one. What
// several prompts about the same images share.
std::size_t image_prefix(std::span<const TokenId> ids, const Tokenizer& tokenizer);

// Returns the ids of text that is trusted as a whole (training data, goldens): split at <image>, one BOS,
// placeholders put in.
std::vector<TokenId> encode_prompt(const Tokenizer& tokenizer, std::string_view text);

// One exchange of a training conversation, as its record has it.
struct Turn {
  std::string question;
  std::string answer;
};

// A training conversation: a prompt with its answers, and a label for each id (kIgnoredLabel where nothing is
// learned).
struct LabelledPrompt {
  Prompt prompt;
  std::vector<TokenId> labels;
  bool mismatch = false;  // its answers cannot be told from the rest: all labels are kIgnoredLabel
};
// The texts are trusted; an <image> anywhere in a question stands at its front in the result. Images and
// regions are counted from 0 through the conversation.
LabelledPrompt label_conversation(const Tokenizer& tokenizer, ConversationTemplate style,
                                  std::span<const Turn> turns);

// What the verbs send (defaults; a manifest may replace them). {phrase} stands for the user's words.
struct VerbTemplates {
  std::string segment = "Please segment the {phrase} in this image.";
  std::string describe =
      "What is the abnormality or structure in the region <region></region> of this image?";
};

// Returns the template with the user's words in place of {phrase}. Errors: InvalidArgument: nothing but white
// space in `phrase`, or invalid UTF-8.
std::string fill_phrase(std::string_view verb_template, std::string_view phrase);

}  // namespace medplib::core
