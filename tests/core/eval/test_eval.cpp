// A record is put to a model, and what it draws is compared with what is right.
#include "base/files.h"
#include "base/json.h"
#include "support/golden_session.h"
#include "support/temporary_folder.h"
#include "support/thrown.h"

#include <medplib/core/eval.h>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

namespace medplib::core {
namespace {

cv::Mat columns(int first, int end) {
  cv::Mat mask = cv::Mat::zeros(4, 8, CV_8UC1);
  mask.colRange(first, end) = 255;
  return mask;
}

TEST(Overlap, pixels_of_both_masks_are_counted) {
  const Overlap overlap = overlap_of(columns(0, 4), columns(2, 6) / 255);
  EXPECT_EQ(overlap.intersection, 8);
  EXPECT_EQ(overlap.in_union, 24);
  EXPECT_EQ(overlap.iou(), 8.0 / 24);
  EXPECT_EQ(overlap.dice(), 16.0 / 32);
}

TEST(Overlap, nothing_drawn_of_nothing_is_right_and_of_something_is_wrong) {
  EXPECT_EQ(overlap_of(columns(0, 0), columns(0, 0)).iou(), 1);
  EXPECT_EQ(overlap_of(columns(0, 0), columns(0, 0)).dice(), 1);
  EXPECT_EQ(overlap_of(columns(0, 0), columns(0, 1)).iou(), 0);
  EXPECT_EQ(overlap_of(columns(0, 1), columns(0, 0)).dice(), 0);
}

TEST(Overlap, a_target_of_another_size_is_refused_with_both_sizes) {
  const auto thrown = test::thrown_by([] { overlap_of(columns(0, 1), cv::Mat::zeros(4, 9, CV_8UC1)); });
  EXPECT_EQ(thrown.code, ErrorCode::InvalidArgument);
  EXPECT_NE(thrown.sentence.find("8 × 4 pixels"), std::string::npos) << thrown.sentence;
  EXPECT_NE(thrown.sentence.find("9 × 4"), std::string::npos) << thrown.sentence;
}

std::string record_of(const std::string& task) {
  const Json human{{"from", "human"}, {"value", "<image>\nDraw it  like <region>r.png</region>."}};
  const Json model{{"from", "gpt"}, {"value", "Sure <SEG>.<mask>m.png</mask>"}};
  const Json more{{"from", "human"}, {"value", "And there?"}};
  const Json last{{"from", "gpt"}, {"value", "No <SEG>.<mask>n.png</mask>"}};
  return Json{
      {"id", "seven"}, {"task", task}, {"structure", "disc"}, {"conversations", {human, model, more, last}}}
      .dump();
}

TEST(EvalQuestion, a_structure_is_asked_for_by_its_name_and_all_else_in_the_records_words) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(question_of(record_of("segment"), folder.path()).phrase, "disc");
  EXPECT_EQ(question_of(record_of("absent"), folder.path()).phrase, "disc");
  const EvalQuestion asked = question_of(record_of("region"), folder.path());
  EXPECT_EQ(asked.id, "seven");
  EXPECT_EQ(asked.phrase, "");
  EXPECT_EQ(asked.text, "Draw it like <region></region>.");
  EXPECT_EQ(asked.regions, std::vector{folder / "r.png"});
  EXPECT_EQ(asked.targets, std::vector{folder / "m.png"}) << "of the first turn alone";
}

TEST(EvalQuestion, a_record_as_mecovqa_has_it_is_asked_in_its_own_words_and_finds_its_files) {
  const test::TemporaryFolder folder;
  write_file(folder / "m.png", "");
  const EvalQuestion asked = question_of(
      R"({"image": "a", "conversations": [{"from": "human", "value": "<image>\nSegment the disc."},
                                          {"from": "gpt", "value": "Sure, <SEG>.<mask>m</mask>"}]})",
      folder.path());
  EXPECT_EQ(asked.phrase, "");
  EXPECT_EQ(asked.text, "Segment the disc.");
  EXPECT_EQ(asked.targets, std::vector{folder / "m.png"});
}

TEST(EvalQuestion, a_record_that_cannot_be_asked_is_named_with_what_is_wrong) {
  const auto thrown = test::thrown_by([] { question_of(R"({"id": "seven", "conversations": []})", "/"); });
  EXPECT_EQ(thrown.code, ErrorCode::Format);
  EXPECT_NE(thrown.sentence.find("The record (seven)"), std::string::npos) << thrown.sentence;
}

class Evaluation : public testing::Test {
 protected:
  void SetUp() override {
    const test::GoldenCase golden = test::a_case_with_a_mask();
    given_ = std::make_unique<test::OpenCase>(golden);
    session_ = std::make_unique<Session>(test::load_model_of(golden));
    session_->set_image(given_->image);
    question_ = {.id = "seven", .phrase = "", .text = given_->fact<std::string>("question")};
    options_ = test::ask_options_of(*given_);
  }

  // A target of the picture's size, inside where `inside` is.
  void add_target(const cv::Mat& inside) {
    const auto path = folder_ / std::to_string(question_.targets.size()).append(".png");
    write_file(path, encode_png(inside * 255));
    question_.targets.push_back(path);
  }

  test::TemporaryFolder folder_;
  std::unique_ptr<test::OpenCase> given_;
  std::unique_ptr<Session> session_;
  EvalQuestion question_;
  AskOptions options_;
};

TEST_F(Evaluation, each_target_is_compared_with_the_mask_of_its_number) {
  const Answer alone = session_->ask(question_.text, options_);
  const cv::Mat drawn = alone.masks.at(0).binary();
  for (std::size_t i = 0; i < alone.masks.size(); ++i) add_target(alone.masks[i].binary());
  add_target(drawn);  // one more than the answer has masks
  const EvalRow row = evaluate(*session_, question_, options_);
  EXPECT_EQ(row.id, "seven");
  EXPECT_EQ(std::get<Answer>(row.outcome).text, alone.text);
  EXPECT_EQ(std::get<Answer>(row.outcome).prompt, alone.prompt);
  ASSERT_EQ(row.overlaps.size(), alone.masks.size() + 1);
  EXPECT_EQ(row.overlaps.front().iou(), 1);
  EXPECT_EQ(row.overlaps.front().intersection, cv::countNonZero(drawn));
  EXPECT_EQ(row.overlaps.back().intersection, 0) << "nothing was drawn for it";
  EXPECT_EQ(row.overlaps.back().in_union, cv::countNonZero(drawn));
}

TEST_F(Evaluation, what_goes_wrong_is_told_in_the_row_and_the_next_is_asked) {
  EvalQuestion missing = question_;
  missing.targets = {folder_ / "nowhere.png"};
  const EvalRow row = evaluate(*session_, missing, options_);
  EXPECT_EQ(std::get<Error>(row.outcome).code(), ErrorCode::NotFound);
  EXPECT_TRUE(row.overlaps.empty());
  EXPECT_TRUE(std::holds_alternative<Answer>(evaluate(*session_, question_, options_).outcome));
}

TEST_F(Evaluation, a_cancelled_one_ends_it) {
  options_.on_text = [](const StreamPiece&) { return StreamAction::Cancel; };
  EXPECT_EQ(test::thrown_by([&] { evaluate(*session_, question_, options_); }).code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace medplib::core
