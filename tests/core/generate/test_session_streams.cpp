// A session's answer as it comes, and how it is stopped.
#include "generate/session_test.h"

namespace medplib::test {

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
    return piece.index == 0 ? StreamAction::Stop : StreamAction::Continue;
  };
  const Answer answer = session().ask(question_, options_);
  EXPECT_EQ(answer.finish, core::Finish::Stopped);
  EXPECT_EQ(answer.tokens.size(), 1U);
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

}  // namespace medplib::test
