// What a user may rely on in a session.
#include "generate/session_test.h"

#include <medplib/core/runtime.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <latch>
#include <map>
#include <thread>

namespace medplib::test {

TEST_F(SessionTest, a_second_question_goes_on_behind_the_image_and_answers_as_a_fresh_session) {
  Session used = session();
  (void)used.ask(question_, options_);
  (void)used.segment("liver", options_);
  const Answer second = used.ask(question_, options_);
  EXPECT_EQ(second.timing.image_encode, 0);
  EXPECT_GT(second.timing.reused_tokens, given_->config.image_tokens());
  const Answer fresh = session().ask(question_, options_);
  EXPECT_EQ(fresh.timing.reused_tokens, 0);
  ASSERT_FALSE(fresh.masks.empty());
  expect_same(second, fresh);
}

TEST_F(SessionTest, another_image_is_seen) {
  const AskOptions options = {.max_new_tokens = 8};
  Session used = session();
  (void)used.ask("What is this?", options);
  used.set_image(other_image());
  const Answer second = used.ask("What is this?", options);
  EXPECT_EQ(second.timing.reused_tokens, 0);
  Session fresh(*model_);
  fresh.set_image(other_image());
  expect_same(second, fresh.ask("What is this?", options));
}

TEST_F(SessionTest, a_mask_has_the_image_size_a_label_and_probabilities) {
  options_.threshold = 0.25;
  const Answer answer = session().ask(question_, options_);
  ASSERT_FALSE(answer.masks.empty());
  const core::Mask& mask = answer.masks.front();
  EXPECT_EQ(mask.width(), given_->image.width());
  EXPECT_EQ(mask.height(), given_->image.height());
  EXPECT_EQ(mask.threshold(), 0.25);
  ASSERT_TRUE(mask.presence.has_value());
  EXPECT_GT(*mask.presence, 0);
  EXPECT_LE(*mask.presence, 1);
  EXPECT_TRUE(mask.iou_estimate.has_value());
  EXPECT_FALSE(answer.presence.has_value());
}

TEST_F(SessionTest, segment_names_its_masks_after_the_phrase_or_tells_how_present_it_is) {
  const Answer answer = session({.compat = core::Compat::Reference}).segment("left lung", options_);
  EXPECT_NE(answer.prompt.find("segment the left lung in"), std::string::npos);
  ASSERT_EQ(answer.masks.size(), 1U);
  EXPECT_EQ(answer.masks[0].label(), "left lung");
  options_.max_new_tokens = 1;
  const Answer declined = session().segment("left lung", options_);
  EXPECT_EQ(declined.presence.has_value(), declined.masks.empty());
  if (declined.presence) {
    EXPECT_GE(*declined.presence, 0);
    EXPECT_LE(*declined.presence, 1);
  }
}

TEST_F(SessionTest, describe_sends_its_own_wording_with_the_region) {
  const Answer answer = session().describe(box(0.1, 0.1, 0.4, 0.6), {.max_new_tokens = 2});
  EXPECT_NE(answer.prompt.find("in the region <region></region> of this image"), std::string::npos);
}

TEST_F(SessionTest, regions_are_put_behind_the_question_one_each) {
  AskOptions options;
  options.regions = {Region::point(10, 10), box(0.1, 0.1, 0.4, 0.6)};
  options.max_new_tokens = 1;
  const Answer answer = session().ask("What are these?", options);
  EXPECT_NE(answer.prompt.find("What are these? <region></region> <region></region> "), std::string::npos);
}

// A chat goes on behind all that it shares with what was asked before.
TEST_F(SessionTest, two_regions_at_other_places_give_other_states_behind_the_same_words) {
  const core::SessionOptions always_a_mask = {.compat = core::Compat::Reference};
  Session one = session(always_a_mask);
  const auto asked_about = [](Session& asked, const Region& region) {
    asked.reset_chat();
    Answer answer = asked.chat("What is this?", {.regions = {region}, .max_new_tokens = 8});
    EXPECT_EQ(answer.masks.size(), 1U);
    return answer;
  };
  const Region here = box(0, 0, 0.3, 0.3), there = box(0.5, 0.4, 0.9, 0.8);
  const Answer first = asked_about(one, here), again = asked_about(one, here),
               second = asked_about(one, there);
  EXPECT_LT(second.timing.reused_tokens, again.timing.reused_tokens);
  EXPECT_GT(second.timing.reused_tokens, given_->config.image_tokens());
  Session fresh = session(always_a_mask);
  const Answer expected = asked_about(fresh, there);
  EXPECT_EQ(second.tokens, expected.tokens);
  const auto apart = [](const Answer& a, const Answer& b) {
    return cv::norm(a.masks.at(0).logits(), b.masks.at(0).logits(), cv::NORM_INF);
  };
  EXPECT_LT(apart(second, expected), 0.01 * apart(second, first));
}

TEST_F(SessionTest, an_answer_cut_at_its_length_says_so) {
  const Answer whole = session().ask(question_, options_);
  options_.max_new_tokens = static_cast<int>(whole.tokens.size()) - 1;
  const Answer answer = session().ask(question_, options_);
  EXPECT_EQ(answer.finish, core::Finish::Length);
  EXPECT_EQ(answer.tokens.size(), whole.tokens.size() - 1);
  ASSERT_FALSE(answer.warnings.empty());
  EXPECT_NE(answer.warnings.back().find("max_new_tokens"), std::string::npos);
}

TEST_F(SessionTest, the_routing_counts_every_token_of_prompt_and_answer) {
  const Answer answer = session().ask(question_, options_);
  const auto& moe = given_->config.language.moe;
  ASSERT_EQ(answer.routing.size(), moe.layers.size());
  for (const auto& layer : answer.routing) {
    std::int64_t sum = 0;
    for (const auto count : layer) sum += count;
    // The last token of an answer was never put in, but for the one before an end token.
    const auto fed = answer.timing.prompt_tokens + answer.timing.generated_tokens;
    EXPECT_NEAR(static_cast<double>(sum), static_cast<double>(fed * moe.top_k),
                static_cast<double>(moe.top_k));
  }
}

TEST_F(SessionTest, the_routing_by_kind_of_token_adds_up_to_the_routing) {
  const Answer answer = session().ask(question_, options_);
  ASSERT_FALSE(answer.masks.empty());
  core::ExpertCounts sum(answer.routing.size(), std::vector<std::int64_t>(answer.routing.front().size()));
  std::map<core::TokenKind, std::int64_t> tokens;  // in the first layer
  for (const auto& [kind, layers] : answer.routing_by_kind) {
    for (std::size_t layer = 0; layer < layers.size(); ++layer)
      for (std::size_t expert = 0; expert < layers[layer].size(); ++expert)
        sum[layer][expert] += layers[layer][expert];
    for (const auto count : layers.front()) tokens[kind] += count;
  }
  EXPECT_EQ(sum, answer.routing);
  EXPECT_EQ(tokens[core::TokenKind::Image], given_->config.image_tokens());
  EXPECT_EQ(tokens[core::TokenKind::Seg], std::ssize(answer.masks));
  EXPECT_GT(tokens[core::TokenKind::Question], 0);
}

TEST_F(SessionTest, many_questions_have_each_their_own_outcome) {
  core::AskOptions brief = options_;
  brief.max_new_tokens = 1;
  const auto outcomes = session().ask_many({{question_, options_}, {"", options_}, {question_, brief}});
  ASSERT_EQ(outcomes.size(), 3U);
  expect_same(std::get<Answer>(outcomes[0]), session().ask(question_, options_));
  EXPECT_EQ(std::get<core::Error>(outcomes[1]).code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(std::get<Answer>(outcomes[2]).tokens.size(), 1U);
  EXPECT_TRUE(session().ask_many({}).empty());
  const auto segmented = session().segment_many({{"tumour", options_}});
  expect_same(std::get<Answer>(segmented.front()), session().segment("tumour", options_));
}

TEST_F(SessionTest, an_image_and_a_region_can_be_embedded) {
  Session one = session();
  const core::Embedding image = one.embed_image(), region = one.embed_region(box(0.2, 0.2, 0.7, 0.7));
  EXPECT_EQ(image.rows, given_->config.image_tokens());
  EXPECT_EQ(image.columns, given_->config.language.hidden);
  EXPECT_EQ(region.rows, 1);
  EXPECT_EQ(region.columns, image.columns);
  EXPECT_EQ(image.values.size(), static_cast<std::size_t>(image.rows * image.columns));
  EXPECT_EQ(thrown_by([&] { (void)one.embed_image(1); }).code, ErrorCode::InvalidArgument);
  EXPECT_EQ(thrown_by([&] { (void)one.embed_region(Region::box(1e5, 1e5, 1e5, 1e5)); }).code,
            ErrorCode::InvalidArgument);
  EXPECT_EQ(thrown_by([&] { (void)Session(*model_).embed_image(); }).code, ErrorCode::State);
}

TEST_F(SessionTest, the_same_seed_draws_the_same_answer_and_another_seed_another) {
  options_.temperature = 2;
  options_.max_new_tokens = 24;
  options_.seed = 7;
  Session one = session();
  const Answer first = one.ask(question_, options_), again = one.ask(question_, options_);
  EXPECT_EQ(first.tokens, again.tokens);
  options_.seed = 8;
  EXPECT_NE(one.ask(question_, options_).tokens, first.tokens);
}

TEST_F(SessionTest, two_sessions_on_two_threads_answer_each_as_alone) {
  const auto one = [&] { return session().ask(question_, options_); };
  const auto other = [&] {
    Session fresh(*model_, {.compat = core::Compat::Reference});
    fresh.set_image(other_image());
    return fresh.ask("What is this?", {.max_new_tokens = 8});
  };
  const Answer one_alone = one(), other_alone = other();
  EXPECT_NE(one_alone.tokens, other_alone.tokens);
  constexpr std::size_t rounds = 3;
  std::array<Answer, rounds> ones, others;
  {
    const std::jthread first([&] { std::ranges::generate(ones, one); });
    const std::jthread second([&] { std::ranges::generate(others, other); });
  }
  for (std::size_t round = 0; round < rounds; ++round) {
    expect_same(ones[round], one_alone);
    expect_same(others[round], other_alone);
  }
}

TEST_F(SessionTest, the_number_of_threads_is_that_of_the_process_for_threads_that_computed_before) {
  const int before = core::threads();
  std::latch computed(1), set(1);
  int told = 0, used = 0;
  std::jthread other([&] {
    Session one = session();
    (void)one.ask(question_, options_);
    computed.count_down();
    set.wait();
    told = core::threads();
    options_.on_text = [&](const core::StreamPiece&) {
      used = at::get_num_threads();
      return core::StreamAction::Continue;
    };
    (void)one.ask(question_, options_);
  });
  computed.wait();
  core::set_threads(before + 1);
  set.count_down();
  other.join();
  core::set_threads(before);
  EXPECT_EQ(told, before + 1);
  EXPECT_EQ(used, before + 1);
}

TEST_F(SessionTest, several_images_stand_in_the_prompt_and_the_first_is_drawn_on) {
  Session one = session();
  const int single = one.ask(question_, options_).timing.prompt_tokens;
  one.set_images({given_->image, other_image()});
  const Answer both = one.ask(question_, options_);
  const auto image_tokens = static_cast<int>(given_->config.image_tokens());
  EXPECT_EQ(both.timing.prompt_tokens, single + image_tokens + 2);  // and <im_start>, <im_end>
  ASSERT_FALSE(both.masks.empty());
  for (const auto& mask : both.masks) EXPECT_EQ(mask.width(), given_->image.width());
  one.set_images({given_->image, given_->image});
  const Answer twice = one.ask(question_, options_);
  ASSERT_FALSE(twice.masks.empty());
  EXPECT_NE(twice.masks[0].embedding, both.masks[0].embedding) << "the second image isn't read";
  one.set_images({given_->image, given_->image, other_image()});
  const Answer three = one.ask(question_, options_);
  one.set_images({given_->image, other_image(), given_->image});
  const Answer turned = one.ask(question_, options_);
  ASSERT_FALSE(three.masks.empty());
  ASSERT_FALSE(turned.masks.empty());
  EXPECT_NE(turned.masks[0].embedding, three.masks[0].embedding) << "their order isn't kept";
  EXPECT_GT(one.ask(question_, options_).timing.reused_tokens, 3 * image_tokens);
}

TEST_F(SessionTest, chat_remembers_its_turns_and_nothing_else_does) {
  Session one = session();
  const Answer first = one.chat(question_, options_);
  (void)one.segment("liver", options_);
  const Answer second = one.chat("And what else?", {.max_new_tokens = 4});
  EXPECT_NE(second.prompt.find(first.text), std::string::npos);
  EXPECT_EQ(second.prompt.find("liver"), std::string::npos);
  const Answer third = one.chat("Are you sure?", {.max_new_tokens = 4});
  EXPECT_GT(third.timing.reused_tokens, second.timing.prompt_tokens / 2);
  Session fresh = session();
  (void)fresh.chat(question_, options_);
  const Answer again = fresh.chat("And what else?", {.max_new_tokens = 4});
  if (again.near_ties + second.near_ties == 0) {
    EXPECT_EQ(again.tokens, second.tokens);
  }
  one.reset_chat();
  EXPECT_EQ(one.chat("Hello?", {.max_new_tokens = 1}).prompt.find(first.text), std::string::npos);
}

TEST_F(SessionTest,
       refine_goes_on_with_the_threshold_of_a_drawn_mask_and_takes_the_models_for_one_drawn_by_hand) {
  Session one = session();
  const std::vector<core::Click> clicks = {click(0.3, 0.4)};
  const core::Mask drawn = one.refine({}, clicks, {}, 0.3);
  EXPECT_EQ(one.refine(drawn, clicks).threshold(), 0.3);
  EXPECT_EQ(one.refine(drawn, clicks, {}, 0.7).threshold(), 0.7);
  const core::Mask by_hand = core::Mask::from_binary(drawn.binary());
  EXPECT_EQ(one.refine(by_hand, clicks).threshold(), model_->info().threshold);
}

TEST_F(SessionTest, refine_takes_clicks_a_box_and_the_mask_so_far) {
  Session one = session();
  const core::Mask by_click = one.refine({}, {click(0.3, 0.4)});
  EXPECT_EQ(by_click.width(), given_->image.width());
  EXPECT_TRUE(by_click.iou_estimate.has_value());
  EXPECT_FALSE(by_click.presence.has_value());
  const core::Mask by_box = one.refine({}, {}, box(0.2, 0.2, 0.7, 0.7), 0.5);
  EXPECT_EQ(by_box.threshold(), 0.5);
  const core::Mask better = one.refine(by_box, {click(0.25, 0.25, false)});
  EXPECT_EQ(better.threshold(), 0.5);
  EXPECT_GT(cv::norm(better.logits(), by_box.logits(), cv::NORM_INF), 0);
}

// Every way in which words come to a session.
TEST_F(SessionTest, words_are_asked_as_they_are_seen_whatever_white_space_and_marks_are_in_them) {
  const std::string plain = "left lung", odd = "\ufeff left\u00a0\nlu\u00adng\u200b ";
  Session one = session();
  options_.max_new_tokens = 2;
  expect_same(one.ask(odd, options_), one.ask(plain, options_));
  expect_same(one.segment(odd, options_), one.segment(plain, options_));
  EXPECT_EQ(one.segment(odd, options_).prompt, one.segment(plain, options_).prompt);
  EXPECT_EQ(one.trace(odd, options_).rows, one.trace(plain, options_).rows);
  const auto asked = one.ask_many({{odd, options_}, {plain, options_}});
  expect_same(std::get<Answer>(asked.at(0)), std::get<Answer>(asked.at(1)));
  const auto drawn = one.segment_many({{odd, options_}, {plain, options_}});
  expect_same(std::get<Answer>(drawn.at(0)), std::get<Answer>(drawn.at(1)));
  const Answer by_odd = one.chat(odd, options_);
  one.reset_chat();
  EXPECT_EQ(by_odd.prompt, one.chat(plain, options_).prompt);
}

TEST_F(SessionTest, a_mask_is_named_after_the_phrase_as_it_is_seen) {
  Session one = session({.compat = core::Compat::Reference});
  EXPECT_EQ(one.segment(" left\u00a0lung\u200b", {.max_new_tokens = 1}).masks.at(0).label(), "left lung");
}

TEST_F(SessionTest, the_json_of_an_answer_has_what_the_answer_has) {
  const Answer answer = session().ask(question_, options_);
  const core::Json json = core::parse_json(core::answer_json(answer), "the answer");
  EXPECT_EQ(json.at("text"), answer.text);
  EXPECT_EQ(json.at("prompt"), answer.prompt);
  EXPECT_EQ(json.at("tokens"), answer.tokens);
  EXPECT_EQ(json.at("routing"), answer.routing);
  EXPECT_EQ(json.at("routing_by_kind").at("image"), answer.routing_by_kind.at(core::TokenKind::Image));
  EXPECT_EQ(json.at("finish"), core::to_text(answer.finish));
  EXPECT_EQ(json.at("timing").size(), std::tuple_size_v<decltype(core::kTimingFields)>);
  EXPECT_EQ(json.at("timing").at("total"), answer.timing.total);
  ASSERT_EQ(json.at("masks").size(), answer.masks.size());
  const core::Json mask = core::parse_json(core::mask_json(answer.masks.front()), "the mask");
  EXPECT_EQ(json.at("masks").at(0), mask);
  EXPECT_EQ(mask.at("area"), answer.masks.front().area());
  EXPECT_EQ(mask.at("iou_estimate"), answer.masks.front().iou_estimate.value());
}

}  // namespace medplib::test
