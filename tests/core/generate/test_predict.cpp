// Masks as segment-anything hands them around.
#include "support/golden_session.h"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <string>
#include <vector>

namespace medplib::test {

namespace {

using core::Prediction;
using core::Session;

class PredictTest : public testing::Test {
 protected:
  Session session(const core::Json& manifest) const {
    const FolderCopy folder(committed_goldens() / "ckpt" / "tiny_seg");
    folder.replace("medplib.json", manifest);
    Session session(core::Model::load(folder.path(), {.device = "cpu"}));
    session.set_image(core::Image::from_pixels(std::as_bytes(std::span(pixels_)), 60, 40, 60, 1));
    return session;
  }

  std::vector<std::uint8_t> pixels_ = std::vector<std::uint8_t>(60 * 40, 90);
  const core::Json trained_ = {{"format_version", 1}};
};

TEST_F(PredictTest, one_mask_is_what_refine_draws_and_its_logits_lead_on) {
  Session one = session(trained_);
  const std::vector<Prediction> first = one.predict({{20, 10, true}}, {}, {}, false);
  ASSERT_EQ(first.size(), 1);
  EXPECT_EQ(cv::norm(first[0].mask.logits(), one.refine({}, {{20, 10, true}}).logits(), cv::NORM_INF), 0);
  EXPECT_EQ(first[0].low_resolution.rows, first[0].low_resolution.cols);
  const std::vector<Prediction> next = one.predict({{20, 10, true}}, {}, first[0].low_resolution, false);
  EXPECT_GT(cv::norm(next[0].mask.logits(), first[0].mask.logits(), cv::NORM_INF), 0);
}

TEST_F(PredictTest, several_guesses_differ_and_each_has_its_estimate) {
  Session one = session(trained_);
  const std::vector<Prediction> guesses = one.predict({{20, 10, true}}, {}, {}, true);
  ASSERT_EQ(guesses.size(), 3);
  for (const Prediction& each : guesses) EXPECT_TRUE(each.mask.iou_estimate.has_value());
  EXPECT_GT(cv::norm(guesses[0].low_resolution, guesses[1].low_resolution, cv::NORM_INF), 0);
}

TEST_F(PredictTest, a_model_that_was_not_trained_to_guess_gives_its_one_mask) {
  Session one = session({{"format_version", 1}, {"several", false}});
  const std::vector<Prediction> guesses = one.predict({{20, 10, true}}, {}, {}, true);
  ASSERT_EQ(guesses.size(), 1);
  EXPECT_EQ(cv::norm(guesses[0].mask.logits(), one.refine({}, {{20, 10, true}}).logits(), cv::NORM_INF), 0);
}

TEST_F(PredictTest, logits_of_another_size_are_refused) {
  Session one = session(trained_);
  try {
    (void)one.predict({{20, 10, true}}, {}, cv::Mat::zeros(3, 5, CV_32FC1), false);
    FAIL() << "nothing was thrown";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.code(), core::ErrorCode::InvalidArgument);
    EXPECT_NE(std::string(error.what()).find("5 × 3"), std::string::npos) << error.what();
  }
}

}  // namespace

}  // namespace medplib::test
