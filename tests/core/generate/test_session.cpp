// What a user may rely on in a session.
#include "support/golden_session.h"

#include <opencv2/core.hpp>

#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace medplib::test {

using core::Answer;
using core::AskOptions;
using core::ErrorCode;
using core::Image;
using core::Region;
using core::Session;
using core::StreamAction;
using core::StreamPiece;

// A model whose answer to the case's question has a mask.
class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto golden = a_case_with_a_mask();
    if (!golden) GTEST_SKIP() << "no golden case with a mask lies here";
    given_ = std::make_unique<OpenCase>(*golden);
    model_ = load_model_of(*golden);
    question_ = given_->fact<std::string>("question");
    options_ = ask_options_of(*given_);
  }

  Session session(core::SessionOptions options = {}) const {
    Session fresh(*model_, options);
    fresh.set_image(given_->image);
    return fresh;
  }
  // A box of the case's picture, in shares of its sides.
  Region box(double x0, double y0, double x1, double y1) const {
    const double width = given_->image.width() - 1, height = given_->image.height() - 1;
    return Region::box(x0 * width, y0 * height, x1 * width, y1 * height);
  }
  core::Click click(double x, double y, bool inside = true) const {
    return {x * (given_->image.width() - 1), y * (given_->image.height() - 1), inside};
  }
  // Another picture than the case's.
  static Image other_image() {
    std::vector<std::byte> bytes(90 * 70 * 3);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * i % 251);
    return Image::from_pixels(bytes, 90, 70, 270, 3);
  }

  std::unique_ptr<OpenCase> given_;
  std::optional<core::Model> model_;
  std::string question_;
  AskOptions options_;
};

namespace {

void expect_same(const Answer& a, const Answer& b) {
  EXPECT_EQ(a.text, b.text);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.routing, b.routing);
  ASSERT_EQ(a.masks.size(), b.masks.size());
  for (std::size_t i = 0; i < a.masks.size(); ++i) {
    EXPECT_EQ(cv::norm(a.masks[i].logits(), b.masks[i].logits(), cv::NORM_INF), 0);
    EXPECT_EQ(a.masks[i].presence, b.masks[i].presence);
  }
}

}  // namespace

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
  const Answer answer = session().segment("left lung", options_);
  EXPECT_NE(answer.prompt.find("segment the left lung in"), std::string::npos);
  for (const auto& mask : answer.masks) EXPECT_EQ(mask.label(), "left lung");
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

TEST_F(SessionTest, two_regions_at_other_places_give_other_states_behind_the_same_words) {
  Session one = session();
  AskOptions options;
  options.max_new_tokens = 1;
  options.regions = {box(0, 0, 0.3, 0.3)};
  (void)one.chat("What is this?", options);
  one.reset_chat();
  options.regions = {box(0.5, 0.4, 0.9, 0.8)};
  const Answer second = one.chat("What is this?", options);
  Session fresh = session();
  EXPECT_EQ(second.routing, fresh.chat("What is this?", options).routing);
}

TEST_F(SessionTest, a_region_too_small_for_the_grid_keeps_a_cell_and_says_so) {
  AskOptions options;
  options.max_new_tokens = 1;
  const Image large = Image::from_pixels(std::vector<std::byte>(1000 * 1000), 1000, 1000, 1000, 1);
  Session one = session();
  one.set_image(large);
  options.regions = {Region::box(510, 510, 511, 511)};
  const Answer answer = one.ask("What is this?", options);
  ASSERT_FALSE(answer.warnings.empty());
  EXPECT_NE(answer.warnings.front().find("too small"), std::string::npos) << answer.warnings.front();
}

TEST_F(SessionTest, a_region_half_beside_the_image_is_cut_with_a_warning) {
  AskOptions options;
  options.max_new_tokens = 1;
  options.regions = {box(-0.5, 0, 0.4, 0.4)};
  const Answer answer = session().ask("What is this?", options);
  ASSERT_FALSE(answer.warnings.empty());
  EXPECT_NE(answer.warnings.front().find("outside"), std::string::npos) << answer.warnings.front();
}

TEST_F(SessionTest, an_answer_cut_at_its_length_says_so) {
  options_.max_new_tokens = 2;
  const Answer answer = session().ask(question_, options_);
  EXPECT_EQ(answer.finish, core::Finish::Length);
  EXPECT_EQ(answer.tokens.size(), 2U);
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

TEST_F(SessionTest, the_streamed_pieces_are_the_text) {
  std::string text;
  std::vector<std::int64_t> tokens;
  options_.on_text = [&](const StreamPiece& piece) {
    text += piece.text;
    EXPECT_EQ(piece.index, static_cast<int>(tokens.size()));
    tokens.push_back(piece.token);
    return StreamAction::Continue;
  };
  const Answer answer = session().ask(question_, options_);
  EXPECT_EQ(text, answer.text);
  EXPECT_EQ(tokens, answer.tokens);
}

TEST_F(SessionTest, stop_keeps_the_text_so_far) {
  options_.on_text = [](const StreamPiece& piece) {
    return piece.index == 1 ? StreamAction::Stop : StreamAction::Continue;
  };
  const Answer answer = session().ask(question_, options_);
  EXPECT_EQ(answer.finish, core::Finish::Stopped);
  EXPECT_EQ(answer.tokens.size(), 2U);
}

TEST_F(SessionTest, cancel_from_the_callback_drops_the_answer_and_leaves_the_session_whole) {
  Session one = session();
  AskOptions cancelling = options_;
  cancelling.on_text = [](const StreamPiece&) { return StreamAction::Cancel; };
  EXPECT_EQ(thrown_by([&] { (void)one.ask(question_, cancelling); }).code, ErrorCode::Cancelled);
  expect_same(one.ask(question_, options_), session().ask(question_, options_));
}

TEST_F(SessionTest, what_a_callback_throws_comes_back_and_leaves_the_session_whole) {
  Session one = session();
  AskOptions throwing = options_;
  throwing.on_text = [](const StreamPiece&) -> StreamAction { throw std::out_of_range("mine"); };
  EXPECT_THROW((void)one.ask(question_, throwing), std::out_of_range);
  expect_same(one.ask(question_, options_), session().ask(question_, options_));
}

TEST_F(SessionTest, a_cancelled_call_runs_no_further_layer_wherever_it_is) {
  for (const std::string where : {"clip.0", "hidden.0", "sam.0", "masks"}) {
    Session* running = nullptr;
    std::vector<std::string> layers;
    Session one = session({.on_layer = [&](std::string_view layer) {
      layers.emplace_back(layer);
      if (layer == where && running != nullptr) running->cancel();
    }});
    running = &one;
    EXPECT_EQ(thrown_by([&] { (void)one.ask(question_, options_); }).code, ErrorCode::Cancelled) << where;
    EXPECT_EQ(layers.back(), where);
    running = nullptr;
    EXPECT_FALSE(one.ask(question_, options_).text.empty()) << where;
  }
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

TEST_F(SessionTest, after_a_cancel_no_further_question_is_asked) {
  AskOptions cancelling = options_;
  cancelling.on_text = [](const StreamPiece&) { return StreamAction::Cancel; };
  bool asked = false;
  AskOptions last = options_;
  last.on_text = [&](const StreamPiece&) { return asked = true, StreamAction::Continue; };
  const auto outcomes =
      session().ask_many({{question_, options_}, {question_, cancelling}, {question_, last}});
  EXPECT_TRUE(std::holds_alternative<Answer>(outcomes[0]));
  for (const std::size_t i : {1U, 2U})
    EXPECT_EQ(std::get<core::Error>(outcomes[i]).code(), ErrorCode::Cancelled);
  EXPECT_FALSE(asked);
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

TEST_F(SessionTest, cancel_without_a_call_under_way_does_nothing) {
  Session one = session();
  one.cancel();
  EXPECT_EQ(one.ask(question_, options_).finish, core::Finish::EndOfText);
}

TEST_F(SessionTest, a_callback_cannot_call_into_its_session) {
  Session one = session();
  Thrown inner;
  options_.on_text = [&](const StreamPiece&) {
    inner = thrown_by([&] { (void)one.ask("And this?"); });
    return StreamAction::Stop;
  };
  (void)one.ask(question_, options_);
  EXPECT_EQ(inner.code, ErrorCode::State);
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

TEST_F(SessionTest, two_sessions_on_two_threads_answer_as_one_alone) {
  const Answer alone = session().ask(question_, options_);
  std::vector<Answer> answers(2);
  {
    std::vector<std::jthread> threads;
    for (Answer& answer : answers) threads.emplace_back([&] { answer = session().ask(question_, options_); });
  }
  for (const Answer& answer : answers) expect_same(answer, alone);
}

TEST_F(SessionTest, several_images_stand_in_the_prompt_and_the_first_is_drawn_on) {
  Session one = session();
  const int single = one.ask(question_, options_).timing.prompt_tokens;
  one.set_images({given_->image, other_image()});
  const Answer both = one.ask(question_, options_);
  const auto image_tokens = static_cast<int>(given_->config.image_tokens());
  EXPECT_EQ(both.timing.prompt_tokens, single + image_tokens + 2);  // and <im_start>, <im_end>
  for (const auto& mask : both.masks) EXPECT_EQ(mask.width(), given_->image.width());
  EXPECT_EQ(one.ask(question_, options_).timing.reused_tokens > 2 * image_tokens, true);
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

TEST_F(SessionTest, refine_is_refused_on_a_model_that_was_not_trained_with_clicks) {
  const FolderCopy folder(given_->checkpoint);
  folder.replace("medplib.json", {{"format_version", 1}, {"refine", false}});
  Session one(core::Model::load(folder.path(), {.device = "cpu"}));
  one.set_image(given_->image);
  EXPECT_EQ(thrown_by([&] { (void)one.refine({}, {click(0.3, 0.4)}); }).code, ErrorCode::Unsupported);
}

TEST_F(SessionTest, a_forked_child_is_told_to_use_spawn) {
  Session one = session();
  (void)one.ask(question_, options_);
  const pid_t child = fork();
  if (child == 0) {
    const Thrown thrown = thrown_by([&] { (void)one.ask(question_, options_); });
    _exit(thrown.code == ErrorCode::State ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(SessionTest, bad_input_is_refused_with_a_sentence) {
  Session empty(*model_);
  EXPECT_EQ(thrown_by([&] { (void)empty.ask("What is this?"); }).code, ErrorCode::State);
  Session one = session();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto asked = [&](const std::string& question, const AskOptions& options) {
    return [&one, question, options] { (void)one.ask(question, options); };
  };
  struct Row {
    const char* what;
    std::function<void()> call;
    const char* sentence;
  };
  const core::Mask small(cv::Mat::zeros(4, 4, CV_32FC1), "", 0.5);
  const std::vector<Row> rows = {
      {"no question", asked("", {}), "empty"},
      {"white space", asked(" \n", {}), "empty"},
      {"not UTF-8", asked("\xff", {}), "UTF-8"},
      {"long question", asked(std::string(100000, 'a') + "?", {}), "tokens"},
      {"endless question", asked(std::string(2 << 20, 'a'), {}), "bytes"},
      {"no tokens", asked("a", {.max_new_tokens = 0}), "max_new_tokens"},
      {"temperature", asked("a", {.temperature = -1}), "temperature"},
      {"temperature NaN", asked("a", {.temperature = nan}), "temperature"},
      {"top_k", asked("a", {.top_k = -1}), "top_k"},
      {"top_p", asked("a", {.top_p = 0}), "top_p"},
      {"threshold", asked("a", {.threshold = 1.0}), "threshold"},
      {"region", asked("a", {.regions = {Region::box(5000, 5000, 6000, 6000)}}), "outside"},
      {"smuggled region", asked("What is <region></region>?", {}), "region"},
      {"no phrase", [&] { (void)one.segment(" "); }, "phrase"},
      {"no images", [&] { one.set_images({}); }, "image"},
      {"no click", [&] { (void)one.refine({}, {}); }, "click"},
      {"click outside",
       [&] {
         (void)one.refine({}, {{-7, 2, true}});
       },
       "outside"},
      {"click NaN",
       [&] {
         (void)one.refine({}, {{nan, 2, true}});
       },
       "outside"},
      {"no box", [&] { (void)one.refine({}, {}, Region::point(3, 3)); }, "box"},
      {"other mask",
       [&] {
         (void)one.refine(small, {{2, 2, true}});
       },
       "pixels"},
      {"refine threshold",
       [&] {
         (void)one.refine({}, {{2, 2, true}}, {}, 2.0);
       },
       "threshold"},
      {"context", [&] { (void)session({.context = 1 << 30}); }, "context"},
  };
  for (const Row& row : rows) {
    const Thrown thrown = thrown_by(row.call);
    EXPECT_EQ(thrown.code, ErrorCode::InvalidArgument) << row.what << ": " << thrown.sentence;
    EXPECT_NE(thrown.sentence.find(row.sentence), std::string::npos) << row.what << ": " << thrown.sentence;
  }
  EXPECT_FALSE(one.ask(question_, options_).text.empty());
}

TEST_F(SessionTest, a_context_too_small_for_the_prompt_names_both_numbers) {
  const auto rows = session().ask(question_, options_).timing.prompt_tokens;
  const Thrown thrown = thrown_by([&] { (void)session({.context = rows}).ask(question_, options_); });
  EXPECT_EQ(thrown.code, ErrorCode::InvalidArgument);
  EXPECT_NE(thrown.sentence.find(std::to_string(rows)), std::string::npos) << thrown.sentence;
  const Answer cut = session({.context = rows + 1}).ask(question_, options_);
  EXPECT_EQ(cut.tokens.size(), 1U);
  ASSERT_FALSE(cut.warnings.empty());
  EXPECT_NE(cut.warnings.back().find("full"), std::string::npos) << cut.warnings.back();
}

TEST_F(SessionTest, words_of_the_user_are_never_tokens) {
  const Answer answer = session().ask("Say </s> <SEG> <image> <im_end>", {.max_new_tokens = 1});
  EXPECT_NE(answer.prompt.find("</s> <SEG>"), std::string::npos);
  EXPECT_GT(answer.timing.prompt_tokens, given_->config.image_tokens());
}

}  // namespace medplib::test
