#include "text/prompt.h"

#include "base/utf8.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <numeric>
#include <utility>

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

// Collects the text of a prompt, and keeps what may hold tokens apart from what a user wrote.
class Writer {
 public:
  void trusted(std::string_view text) { stretches_.push_back({std::string(text), true}); }
  void add(const PromptParts& parts) {
    for (const PromptPart& part : parts) add(part);
  }

  Prompt finish(const Tokenizer& tokenizer) && {
    Prompt prompt{.text = {}, .ids = {}, .images = std::move(images_), .regions = std::move(regions_)};
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

  void add(const PromptPart& part) {
    switch (part.kind) {
      case PromptPart::Kind::Words:
        stretches_.push_back({part.text, false});
        break;
      case PromptPart::Kind::Tokens:
        trusted(part.text);
        break;
      case PromptPart::Kind::Image:
        trusted(kImageTokens);
        images_.push_back(part.index);
        break;
      case PromptPart::Kind::Region:
        trusted(kRegion);
        regions_.push_back(part.index);
        break;
      case PromptPart::Kind::Seg:
        trusted(kSegment);
        break;
    }
  }

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
  std::vector<std::size_t> images_, regions_;
};

PromptPart words(std::string_view text) { return {PromptPart::Kind::Words, std::string(text), 0}; }
PromptPart tokens(std::string_view text) { return {PromptPart::Kind::Tokens, std::string(text), 0}; }
PromptPart image_part(std::size_t index) { return {PromptPart::Kind::Image, {}, index}; }
PromptPart region_part(std::size_t index) { return {PromptPart::Kind::Region, {}, index}; }

// The text, in which each <region></region> is the place of the next of the regions. Returns how many were.
std::size_t add_with_regions(PromptParts& parts, std::string_view text, PromptPart (*part)(std::string_view),
                             std::span<const std::size_t> regions) {
  const auto between = split(text, kRegion);
  for (std::size_t i = 0; i < between.size(); ++i) {
    if (i > 0) parts.push_back(region_part(regions[i - 1]));
    if (!between[i].empty()) parts.push_back(part(between[i]));
  }
  return between.size() - 1;
}

void check_question(std::string_view question, std::size_t regions, const std::string& name) {
  if (!is_valid_utf8(question))
    fail(ErrorCode::InvalidArgument, name, " is not valid UTF-8. Convert it before asking.");
  if (strip(question).empty()) fail(ErrorCode::InvalidArgument, name, " is empty. Write what to answer.");
  const std::size_t pairs = split(question, kRegion).size() - 1;
  if (pairs > regions)
    fail(ErrorCode::InvalidArgument, name, " has ", pairs, " <region></region> but ", regions,
         " regions came with it. Give a region for each.");
}

// A record's question: trusted, but that an <image> in it moves to its front. `regions`: counted so far.
PromptParts recorded_question(std::string_view question, std::size_t& regions) {
  PromptParts parts;
  const auto pieces = split(question, kImage);
  std::string text;
  for (const std::string_view piece : pieces) text += piece;
  if (pieces.size() > 1) {
    parts.push_back(image_part(0));
    text = strip(text).empty() ? "" : text_of("\n", strip(text));
  }
  std::vector<std::size_t> numbers(split(text, kRegion).size() - 1);
  std::iota(numbers.begin(), numbers.end(), regions);
  regions += add_with_regions(parts, text, tokens, numbers);
  return parts;
}

// The conversation template with the turns in it.
Writer written(ConversationTemplate style, std::span<const PromptTurn> turns) {
  Writer writer;
  writer.trusted(system_sentence(style));
  writer.trusted(" ");
  for (const PromptTurn& turn : turns) {
    writer.trusted(kUser);
    if (!turn.question.empty()) {
      writer.trusted(" ");
      writer.add(turn.question);
      writer.trusted(" ");
    }
    writer.trusted(kAssistant);
    if (turn.answer.empty()) continue;
    writer.trusted(" ");
    writer.add(turn.answer);
    writer.trusted(kAnswerEnd);
  }
  return writer;
}

Prompt recorded_prompt(const Tokenizer& tokenizer, ConversationTemplate style, std::span<const Turn> turns) {
  std::vector<PromptTurn> recorded;
  std::size_t regions = 0;
  for (const Turn& turn : turns) {
    PromptTurn& last = recorded.emplace_back();
    last.question = recorded_question(turn.question, regions);
    if (!turn.answer.empty()) last.answer = {tokens(turn.answer)};
  }
  return written(style, recorded).finish(tokenizer);
}

}  // namespace

ConversationTemplate conversation_template(const std::string& name) {
  std::string names;
  for (const auto& [value, its_name] : Names<ConversationTemplate>::all) {
    if (name == its_name) return value;
    names += text_of(names.empty() ? "" : " or ", its_name);
  }
  fail(ErrorCode::Format, "There is no conversation template \"", name, "\": use ", names, ".");
}

PromptParts question_parts(std::string_view question, std::span<const std::size_t> images,
                           std::span<const std::size_t> regions, const std::string& name) {
  check_question(question, regions.size(), name);
  PromptParts parts;
  for (const std::size_t image : images) parts.push_back(image_part(image));
  if (!images.empty()) {
    parts.push_back(tokens("\n"));
    question = strip(question);
  }
  const std::size_t placed = add_with_regions(parts, question, words, regions);
  for (const std::size_t region : regions.subspan(placed)) {
    parts.push_back(tokens(" "));
    parts.push_back(region_part(region));
  }
  return parts;
}

PromptParts answer_parts(std::string_view answer) {
  if (!is_valid_utf8(answer)) fail(ErrorCode::InvalidArgument, "An earlier answer is not valid UTF-8.");
  PromptParts parts;
  for (const std::string_view piece : split(answer, kSegment)) {
    if (!parts.empty()) parts.push_back({PromptPart::Kind::Seg, {}, 0});
    parts.push_back(words(piece));
  }
  return parts;
}

Prompt build_prompt(const Tokenizer& tokenizer, ConversationTemplate style,
                    std::span<const PromptTurn> turns) {
  if (turns.empty()) fail(ErrorCode::InvalidArgument, "A prompt needs one turn or more.");
  for (std::size_t i = 0; i + 1 < turns.size(); ++i)
    if (turns[i].answer.empty())
      fail(ErrorCode::InvalidArgument, "Turn ", i + 1, " has no answer; only the last one may have none.");
  return written(style, turns).finish(tokenizer);
}

std::size_t image_prefix(std::span<const TokenId> ids, const Tokenizer& tokenizer) {
  const auto last = std::find(ids.rbegin(), ids.rend(), kImagePlaceholder);
  const auto behind = static_cast<std::size_t>(ids.rend() - last);
  if (behind == 0) return 0;
  return behind < ids.size() && ids[behind] == tokenizer.added("<im_end>") ? behind + 1 : behind;
}

std::vector<TokenId> encode_prompt(const Tokenizer& tokenizer, std::string_view text) {
  Writer writer;
  writer.trusted(text);
  return std::move(writer).finish(tokenizer).ids;
}

LabelledPrompt label_conversation(const Tokenizer& tokenizer, ConversationTemplate style,
                                  std::span<const Turn> turns) {
  LabelledPrompt result;
  result.prompt = recorded_prompt(tokenizer, style, turns);
  result.labels = result.prompt.ids;
  const auto ignore = [&](std::size_t begin, std::size_t end) {
    end = std::min(end, result.labels.size());
    for (std::size_t i = begin; i < end; ++i) result.labels[i] = kIgnoredLabel;
  };
  const std::string before_answer = text_of(" ", kAssistant, " ");
  std::size_t at = 1;
  ignore(0, at);
  for (const std::string_view round : split(result.prompt.text, kAnswerEnd)) {
    if (split(round, before_answer).size() != 2) break;
    const std::string_view instruction = round.substr(0, round.find(before_answer) + before_answer.size());
    // Not learned: all but BOS and the space that the answer's first piece brings along.
    ignore(at, at + encode_prompt(tokenizer, instruction).size() - 2);
    at += encode_prompt(tokenizer, round).size();  // BOS stands for the </s> that split took away
  }
  ignore(at, result.labels.size());
  // <unk> is also the padding, which the reference does not count.
  const auto counted = std::count_if(result.prompt.ids.begin(), result.prompt.ids.end(),
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
