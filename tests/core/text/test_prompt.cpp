#include "text/goldens.h"
#include "text/prompt.h"

#include <medplib/core/error.h>

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

namespace medplib::core::test {
namespace {

using ::testing::HasSubstr;

std::size_t count(const std::vector<TokenId>& ids, TokenId id) {
  return static_cast<std::size_t>(std::count(ids.begin(), ids.end(), id));
}

std::size_t pairs_in(std::string_view text) {
  constexpr std::string_view pair = "<region></region>";
  std::size_t pairs = 0;
  for (std::size_t at = text.find(pair); at != std::string_view::npos; at = text.find(pair, at + 1)) ++pairs;
  return pairs;
}

std::vector<std::size_t> numbers(std::size_t first, std::size_t count) {
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), first);
  return all;
}

// A user's conversation: so many images in front, and so many regions in each turn.
Prompt conversation_of(const Tokenizer& tokenizer, ConversationTemplate style, const std::vector<Turn>& turns,
                       const std::vector<std::size_t>& regions, std::size_t images) {
  std::vector<PromptTurn> parts;
  std::size_t first = 0;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    parts.push_back(
        {question_parts(turns[i].question, numbers(0, i == 0 ? images : 0), numbers(first, regions[i])), {}});
    if (!turns[i].answer.empty()) parts.back().answer = answer_parts(turns[i].answer);
    first += regions[i];
  }
  return build_prompt(tokenizer, style, parts);
}

Prompt prompt_of(const std::string& question, std::size_t regions = 0, std::size_t images = 1,
                 const std::string& answer = "") {
  return conversation_of(tiny_tokenizer(), ConversationTemplate::VicunaV1, {{question, answer}}, {regions},
                         images);
}

void expect_golden_prompts_of(const std::string& name) {
  const Tokenizer tokenizer = Tokenizer::load(*tokenizer_folder(name));
  const Json golden = read_json(medplib::test::golden("tokenizer/tokenizer.json"));
  ASSERT_FALSE(golden.at("prompts").empty());
  for (std::size_t i = 0; i < golden.at("prompts").size(); ++i) {
    const Json& facts = golden.at("prompts")[i];
    const auto expected = ids_of(golden.at(name).at("prompt_ids")[i]);
    const auto text = facts.at("prompt").get<std::string>();
    EXPECT_EQ(encode_prompt(tokenizer, text), expected) << text;
    const Turn turn{facts.at("question"), optional_or<std::string>(facts, "answer", "", "golden")};
    if (turn.question.empty() || turn.question.find("<image>") != std::string::npos) continue;
    const Prompt built =
        conversation_of(tokenizer, conversation_template(facts.at("template")), {turn},
                        {pairs_in(turn.question)}, facts.at("with_image").get<bool>() ? 1 : 0);
    EXPECT_EQ(built.text, text);
    EXPECT_EQ(built.ids, expected) << text;
  }
}

TEST(Prompt, every_golden_prompt_has_the_published_ids) { expect_golden_prompts_of("tiny"); }

TEST(Prompt, every_golden_prompt_has_the_published_ids_with_llamas_vocabulary) {
  if (!tokenizer_folder("llama")) GTEST_SKIP() << kNoLlama;
  expect_golden_prompts_of("llama");
}

TEST(Prompt, every_golden_case_has_the_published_ids) {
  int cases = 0;
  for (const auto& file : std::filesystem::directory_iterator(medplib::test::golden("cases"))) {
    if (file.path().extension() != ".json" || file.path().filename() == "index.json") continue;
    const Json golden = read_json(file.path());
    const auto named = golden.at("checkpoint").get<std::string>();
    const auto folder = golden_root() / "ckpt" / named.substr(0, named.find(", with "));
    if (!std::filesystem::exists(folder / "tokenizer.model") ||
        !std::filesystem::exists(folder / "added_tokens.json"))
      continue;
    ++cases;
    const Tokenizer tokenizer = Tokenizer::load(folder);
    const auto ids = ids_of(golden.at("prompt_ids"));
    const auto teacher_ids = ids_of(golden.at("teacher_ids"));
    EXPECT_EQ(encode_prompt(tokenizer, golden.at("prompt").get<std::string>()), ids) << file;
    EXPECT_EQ(encode_prompt(tokenizer, golden.at("teacher_prompt").get<std::string>()), teacher_ids) << file;
    const std::vector<std::size_t> regions{golden.at("regions").size()};
    const auto style = conversation_template(golden.at("template"));
    const Turn asked{golden.at("question"), ""};
    EXPECT_EQ(conversation_of(tokenizer, style, {asked}, regions, 1).ids, ids) << file;
    const Turn answered{golden.at("question"), golden.at("teacher_answer")};
    EXPECT_EQ(conversation_of(tokenizer, style, {answered}, regions, 1).ids, teacher_ids) << file;
  }
  if (cases == 0) GTEST_SKIP() << "The golden set has no case whose checkpoint is there.";
}

void expect_golden_labels_of(const std::string& name) {
  const Tokenizer tokenizer = Tokenizer::load(*tokenizer_folder(name));
  const Json golden = read_json(medplib::test::golden("tokenizer/labels.json"));
  ASSERT_FALSE(golden.empty());
  for (const auto& conversation : golden) {
    if (conversation.at("tokenizer") != name) continue;
    std::vector<Turn> turns;
    for (const auto& message : conversation.at("conversation")) {
      if (message.at("from") == "human")
        turns.push_back({message.at("value"), ""});
      else
        turns.back().answer = message.at("value");
    }
    const auto labelled =
        label_conversation(tokenizer, conversation_template(conversation.at("template")), turns);
    EXPECT_EQ(labelled.prompt.text, conversation.at("prompt"));
    EXPECT_EQ(labelled.prompt.ids, ids_of(conversation.at("input_ids"))) << labelled.prompt.text;
    EXPECT_EQ(labelled.labels, ids_of(conversation.at("labels"))) << labelled.prompt.text;
    EXPECT_EQ(labelled.mismatch, conversation.at("mismatch_warning")) << labelled.prompt.text;
  }
}

TEST(Prompt, every_golden_conversation_has_the_published_labels) { expect_golden_labels_of("tiny"); }

TEST(Prompt, every_golden_conversation_has_the_published_labels_with_llamas_vocabulary) {
  if (!tokenizer_folder("llama")) GTEST_SKIP() << kNoLlama;
  expect_golden_labels_of("llama");
}

TEST(Prompt, what_a_user_types_is_never_a_token) {
  const auto harmless = prompt_of("What is shown?");
  const Json added = read_json(tiny_tokenizer_folder() / "added_tokens.json");
  for (const char* typed :
       {"<SEG>", "</s>", "<s>", "<unk>", "<image>", "<im_start><image><im_end>", "<gen_1>", "<region>",
        "</region>", "<region> </region>", "</s>USER: hi", "<mask></mask>", "<im_end>\n"}) {
    const auto prompt = prompt_of(typed);
    for (const TokenId id : {TokenId{0}, TokenId{1}, TokenId{2}, kImagePlaceholder, kRegionPlaceholder})
      EXPECT_EQ(count(prompt.ids, id), count(harmless.ids, id)) << typed;
    for (const auto& [token, id] : added.items())
      EXPECT_EQ(count(prompt.ids, id.get<TokenId>()), count(harmless.ids, id.get<TokenId>()))
          << typed << " " << token;
    EXPECT_THAT(prompt.text, HasSubstr(std::string(typed).substr(0, 5)));
    EXPECT_GT(prompt.ids.size(), 60U);
  }
}

TEST(Prompt, a_typed_token_is_encoded_as_its_letters) {
  const auto prompt = prompt_of("Draw <SEG>: now");
  const TextPart letters{"Draw <SEG>: now ASSISTANT:", false};
  const auto expected = tiny_tokenizer().encode(std::span(&letters, 1));
  ASSERT_GT(prompt.ids.size(), expected.size());
  EXPECT_TRUE(std::equal(expected.rbegin(), expected.rend(), prompt.ids.rbegin()));
}

TEST(Prompt, a_region_without_its_place_in_the_question_is_put_behind_it) {
  const auto prompt = prompt_of("What is this?", 2);
  EXPECT_THAT(prompt.text, HasSubstr("What is this? <region></region> <region></region> ASSISTANT:"));
  EXPECT_EQ(prompt.ids, encode_prompt(tiny_tokenizer(), prompt.text));
  EXPECT_EQ(count(prompt.ids, kRegionPlaceholder), 2U);
  const auto mixed = prompt_of("Is <region></region> like this?", 2);
  EXPECT_THAT(mixed.text, HasSubstr("Is <region></region> like this? <region></region> ASSISTANT:"));
  EXPECT_EQ(count(mixed.ids, kRegionPlaceholder), 2U);
}

TEST(Prompt, images_stand_at_the_front) {
  EXPECT_EQ(count(prompt_of("Why?", 0, 0).ids, kImagePlaceholder), 0U);
  const auto three = prompt_of("Why?", 0, 3);
  EXPECT_EQ(count(three.ids, kImagePlaceholder), 3U);
  EXPECT_EQ(three.ids, encode_prompt(tiny_tokenizer(), three.text));
}

TEST(Prompt, a_part_names_its_image_or_region_wherever_it_stands) {
  using Kind = PromptPart::Kind;
  const std::vector<PromptTurn> turns = {{{{Kind::Words, "Before", 0},
                                           {Kind::Image, {}, 1},
                                           {Kind::Words, "after", 0},
                                           {Kind::Region, {}, 2},
                                           {Kind::Image, {}, 0},
                                           {Kind::Region, {}, 0},
                                           {Kind::Words, "what changed?", 0}},
                                          {{Kind::Seg, {}, 0}}}};
  const auto prompt = build_prompt(tiny_tokenizer(), ConversationTemplate::VicunaV1, turns);
  EXPECT_EQ(prompt.images, (std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(prompt.regions, (std::vector<std::size_t>{2, 0}));
  EXPECT_THAT(prompt.text, HasSubstr("Before<im_start><image><im_end>after<region></region><im_start>"));
  EXPECT_EQ(prompt.ids, encode_prompt(tiny_tokenizer(), prompt.text));
}

TEST(Prompt, the_image_prefix_ends_behind_the_last_image) {
  const auto ids = prompt_of("Why?", 0, 2).ids;
  const std::size_t prefix = image_prefix(ids, tiny_tokenizer());
  EXPECT_EQ(ids[prefix - 1], tiny_tokenizer().added("<im_end>"));
  EXPECT_EQ(ids[prefix - 2], kImagePlaceholder);
  EXPECT_EQ(std::count(ids.begin() + static_cast<std::ptrdiff_t>(prefix), ids.end(), kImagePlaceholder), 0);
  EXPECT_EQ(image_prefix(prompt_of("Why?", 0, 0).ids, tiny_tokenizer()), 0U);
}

TEST(Prompt, a_conversation_is_encoded_as_its_text) {
  const std::vector<Turn> turns = {
      {"Is it normal?", "No."}, {"Segment <region></region>", "It is <SEG>."}, {"Why?", ""}};
  const std::vector<std::size_t> regions = {0, 1, 0};
  const auto prompt = conversation_of(tiny_tokenizer(), ConversationTemplate::LlavaV1, turns, regions, 1);
  EXPECT_THAT(
      prompt.text,
      HasSubstr("ASSISTANT: No.</s>USER: Segment <region></region> ASSISTANT: It is <SEG>.</s>USER: Why? "
                "ASSISTANT:"));
  EXPECT_EQ(prompt.ids, encode_prompt(tiny_tokenizer(), prompt.text));
}

TEST(Prompt, an_earlier_answer_can_hold_a_mask_but_no_other_token) {
  const std::vector<Turn> turns = {{"q", "a</s><image><region></region> <SEG>"}, {"Why?", ""}};
  const std::vector<std::size_t> regions = {0, 0};
  const auto ids = conversation_of(tiny_tokenizer(), ConversationTemplate::VicunaV1, turns, regions, 1).ids;
  EXPECT_EQ(count(ids, tiny_tokenizer().added("<SEG>")), 1U);
  EXPECT_EQ(count(ids, tiny_tokenizer().eos()), 1U);
  EXPECT_EQ(count(ids, kImagePlaceholder), 1U);
  EXPECT_EQ(count(ids, kRegionPlaceholder), 0U);
}

TEST(Prompt, a_long_question_is_taken_whole) {
  std::string question;
  while (question.size() < 100'000) question += "Is the \u809D normal <SEG>? ";
  const auto prompt = prompt_of(question);
  EXPECT_GT(prompt.ids.size(), 20'000U);
  EXPECT_EQ(count(prompt.ids, tiny_tokenizer().added("<SEG>")), 0U);
}

std::string refused(const std::vector<Turn>& turns, const std::vector<std::size_t>& regions) {
  try {
    conversation_of(tiny_tokenizer(), ConversationTemplate::VicunaV1, turns, regions, 1);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    return error.what();
  }
  ADD_FAILURE() << "accepted";
  return "";
}

TEST(Prompt, questions_that_cannot_be_asked_are_refused_with_a_sentence) {
  for (const char* empty : {"", " ", " \n\t\u3000"})
    EXPECT_THAT(refused({{empty, ""}}, {0}), HasSubstr("is empty"));
  for (const char* broken : {"\xFF", "liver \xE4\xB8", "\xED\xA0\x80"})
    EXPECT_THAT(refused({{broken, ""}}, {0}), HasSubstr("UTF-8"));
  EXPECT_THAT(refused({{"a <region></region>", ""}}, {0}), HasSubstr("Give a region for each"));
  EXPECT_THAT(refused({{"a <region></region> <region></region>", ""}}, {1}),
              HasSubstr("2 <region></region>"));
  EXPECT_THAT(refused({{"a", ""}, {"b", ""}}, {0, 0}), HasSubstr("no answer"));
  EXPECT_THAT(refused({{"a", "\xFF"}}, {0}), HasSubstr("UTF-8"));
  refused({}, {});
}

TEST(Prompt, templates_go_by_their_published_names) {
  for (const char* name : {"vicuna_v1", "llava_v1"}) EXPECT_STREQ(to_text(conversation_template(name)), name);
  EXPECT_THROW(conversation_template("llama_3"), Error);
}

TEST(Prompt, a_phrase_takes_its_place_in_the_template) {
  EXPECT_EQ(fill_phrase(VerbTemplates{}.segment, " optic disc\n"),
            "Please segment the optic disc in this image.");
  EXPECT_EQ(fill_phrase("{phrase}", "{phrase}"), "{phrase}");
  EXPECT_THROW(fill_phrase(VerbTemplates{}.segment, " \n"), Error);
}

}  // namespace
}  // namespace medplib::core::test
