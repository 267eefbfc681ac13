#include "text/prompt.h"

#include "base/utf8.h"

#include <medplib/core/error.h>

#include <algorithm>

namespace medplib::core {

namespace {

constexpr std::string_view kImage = "<image>";
constexpr std::string_view kImageTokens = "<im_start><image><im_end>";
constexpr std::string_view kRegion = "<region></region>";
constexpr std::string_view kSegment = "<SEG>";
constexpr std::string_view kUser = "USER:";
constexpr std::string_view kAssistant = "ASSISTANT:";
constexpr std::string_view kAnswerEnd = "</s>";

std::string_view system_sentence(ConversationTemplate style) {
  if (style == ConversationTemplate::VicunaV1)
    return "A chat between a curious user and an artificial intelligence assistant. "
           "The assistant gives helpful, detailed, and polite answers to the user's questions.";
  return "A chat between a curious human and an artificial intelligence assistant. "
         "The assistant gives helpful, detailed, and polite answers to the human's questions.";
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> pieces;
  for (std::size_t at = text.find(separator); at != std::string_view::npos; at = text.find(separator)) {
    pieces.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  pieces.push_back(text);
  return pieces;
}

std::string_view strip(std::string_view text) { return strip_left(strip_right(text)); }

// A prompt in the making. It keeps apart what may hold tokens from what a user wrote.
class Writer {
 public:
  void trusted(std::string_view text) { add(text, true); }
  void plain(std::string_view text) { add(text, false); }
  // A user's text in which only `token` is one.
  void plain_but(std::string_view text, std::string_view token) {
    const auto pieces = split(text, token);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (i > 0) trusted(token);
      plain(pieces[i]);
    }
  }

  Prompt finish(const Tokenizer& tokenizer) const {
    Prompt prompt;
    prompt.ids.push_back(tokenizer.bos());
    std::vector<TextPart> parts;  // since the last image
    const auto encode_parts = [&] {
      const auto ids = tokenizer.encode(parts);
      prompt.ids.insert(prompt.ids.end(), ids.begin(), ids.end());
      parts.clear();
    };
    for (const auto& [text, is_trusted] : stretches_) {
      prompt.text += text;
      const auto pieces = is_trusted ? split(text, kImage) : std::vector<std::string_view>{text};
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (i > 0) {
          encode_parts();
          prompt.ids.push_back(kImagePlaceholder);
        }
        parts.push_back({pieces[i], is_trusted});
      }
    }
    encode_parts();
    prompt.ids = with_region_placeholders(tokenizer, prompt.ids);
    return prompt;
  }

 private:
  struct Stretch {
    std::string text;
    bool trusted;
  };

  void add(std::string_view text, bool is_trusted) { stretches_.push_back({std::string(text), is_trusted}); }

  static std::vector<TokenId> with_region_placeholders(const Tokenizer& tokenizer,
                                                       std::span<const TokenId> ids) {
    const TokenId begin = tokenizer.added("<region>");
    const TokenId end = tokenizer.added("</region>");
    std::vector<TokenId> result;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (i > 0 && ids[i - 1] == begin && ids[i] == end) result.push_back(kRegionPlaceholder);
      result.push_back(ids[i]);
    }
    return result;
  }

  std::vector<Stretch> stretches_;
};

// `name`: what messages call the question.
void check_question(std::string_view question, int regions, const std::string& name) {
  if (!is_valid_utf8(question))
    fail(ErrorCode::InvalidArgument, name, " is not valid UTF-8. Convert it before asking.");
  if (strip(question).empty()) fail(ErrorCode::InvalidArgument, name, " is empty. Write what to answer.");
  const std::size_t pairs = split(question, kRegion).size() - 1;
  if (regions < 0 || pairs > static_cast<std::size_t>(regions))
    fail(ErrorCode::InvalidArgument, name, " has ", pairs, " <region></region> but ", regions,
         " regions came with it. Give a region for each.");
}

void check_answer(std::string_view answer, bool is_last, std::size_t turn) {
  if (!is_valid_utf8(answer)) fail(ErrorCode::InvalidArgument, "Answer ", turn + 1, " is not valid UTF-8.");
  if (answer.empty() && !is_last)
    fail(ErrorCode::InvalidArgument, "Turn ", turn + 1, " has no answer; only the last one may have none.");
}

void write_question(Writer& writer, std::string_view question, int regions) {
  writer.plain_but(question, kRegion);
  for (std::size_t pairs = split(question, kRegion).size() - 1; pairs < static_cast<std::size_t>(regions);
       ++pairs) {
    writer.trusted(" ");
    writer.trusted(kRegion);
  }
  writer.trusted(" ");
}

// The training text of one question: <image> moves to the front, with the tokens around it.
std::string trained_question(std::string_view question) {
  const auto pieces = split(question, kImage);
  if (pieces.size() == 1) return std::string(question);
  std::string words;
  for (const std::string_view piece : pieces) words += piece;
  const std::string text = text_of(kImageTokens, "\n", strip(words));
  return std::string(strip(text));
}

std::string training_text(ConversationTemplate style, std::span<const Turn> turns) {
  std::string text = text_of(system_sentence(style), " ");
  for (const Turn& turn : turns) {
    text += kUser;
    if (!turn.question.empty()) text += text_of(" ", trained_question(turn.question), " ");
    text += kAssistant;
    if (!turn.answer.empty()) text += text_of(" ", turn.answer, kAnswerEnd);
  }
  return text;
}

}  // namespace

ConversationTemplate conversation_template(const std::string& name) {
  for (const auto value : {ConversationTemplate::VicunaV1, ConversationTemplate::LlavaV1})
    if (name == conversation_template_name(value)) return value;
  fail(ErrorCode::Format, "There is no conversation template \"", name, "\": use vicuna_v1 or llava_v1.");
}

const char* conversation_template_name(ConversationTemplate value) {
  return value == ConversationTemplate::VicunaV1 ? "vicuna_v1" : "llava_v1";
}

Prompt build_prompt(const Tokenizer& tokenizer, ConversationTemplate style, std::span<const Turn> turns,
                    std::span<const int> regions_per_turn, int images) {
  if (turns.empty() || turns.size() != regions_per_turn.size() || images < 0)
    fail(ErrorCode::InvalidArgument,
         "A prompt needs one turn or more, a number of regions for each, and no less than 0 images; got ",
         turns.size(), ", ", regions_per_turn.size(), " and ", images, ".");
  Writer writer;
  writer.trusted(system_sentence(style));
  writer.trusted(" ");
  for (std::size_t i = 0; i < turns.size(); ++i) {
    // A user who asks once has not counted.
    check_question(turns[i].question, regions_per_turn[i],
                   turns.size() == 1 ? "The question" : text_of("Question ", i + 1));
    check_answer(turns[i].answer, i + 1 == turns.size(), i);
    writer.trusted(kUser);
    std::string_view question = turns[i].question;
    writer.trusted(" ");
    if (i == 0 && images > 0) {
      for (int image = 0; image < images; ++image) writer.trusted(kImageTokens);
      writer.trusted("\n");
      question = strip(question);
    }
    write_question(writer, question, regions_per_turn[i]);
    writer.trusted(kAssistant);
    if (turns[i].answer.empty()) continue;
    writer.trusted(" ");
    writer.plain_but(turns[i].answer, kSegment);
    writer.trusted(kAnswerEnd);
  }
  return writer.finish(tokenizer);
}

std::vector<TokenId> encode_prompt(const Tokenizer& tokenizer, std::string_view text) {
  Writer writer;
  writer.trusted(text);
  return writer.finish(tokenizer).ids;
}

LabelledPrompt label_conversation(const Tokenizer& tokenizer, ConversationTemplate style,
                                  std::span<const Turn> turns) {
  LabelledPrompt result;
  result.text = training_text(style, turns);
  result.ids = encode_prompt(tokenizer, result.text);
  result.labels = result.ids;
  const auto ignore = [&](std::size_t begin, std::size_t end) {
    end = std::min(end, result.labels.size());
    for (std::size_t i = begin; i < end; ++i) result.labels[i] = kIgnoredLabel;
  };
  const std::string before_answer = text_of(" ", kAssistant, " ");
  std::size_t at = 1;
  ignore(0, at);
  for (const std::string_view round : split(result.text, kAnswerEnd)) {
    if (split(round, before_answer).size() != 2) break;
    const std::string_view instruction = round.substr(0, round.find(before_answer) + before_answer.size());
    // Not learned: all but BOS and the space that the answer's first piece brings along.
    ignore(at, at + encode_prompt(tokenizer, instruction).size() - 2);
    at += encode_prompt(tokenizer, round).size();  // BOS stands for the </s> that split took away
  }
  ignore(at, result.labels.size());
  // <unk> is also the padding, which the reference does not count.
  const auto counted = std::count_if(result.ids.begin(), result.ids.end(),
                                     [&](TokenId id) { return id != tokenizer.unknown(); });
  result.mismatch = at != static_cast<std::size_t>(counted);
  if (result.mismatch) ignore(0, result.labels.size());
  return result;
}

std::string fill_phrase(std::string_view verb_template, std::string_view phrase) {
  if (!is_valid_utf8(phrase))
    fail(ErrorCode::InvalidArgument, "The phrase is not valid UTF-8. Convert it before asking.");
  if (strip(phrase).empty()) fail(ErrorCode::InvalidArgument, "The phrase is empty. Name what to look for.");
  constexpr std::string_view place = "{phrase}";
  std::string text(verb_template);
  if (const std::size_t at = text.find(place); at != std::string::npos)
    text.replace(at, place.size(), strip(phrase));
  return text;
}

}  // namespace medplib::core
