// A session on a golden case's model and picture.
#pragma once

#include "support/golden_session.h"

#include <opencv2/core.hpp>

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
    const GoldenCase golden = a_case_with_a_mask();
    given_ = std::make_unique<OpenCase>(golden);
    model_ = load_model_of(golden);
    question_ = given_->fact<std::string>("question");
    options_ = ask_options_of(*given_);
  }

  Session session(const core::SessionOptions& options = {}) const {
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

inline void expect_same(const Answer& a, const Answer& b) {
  EXPECT_EQ(a.text, b.text);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.routing, b.routing);
  ASSERT_EQ(a.masks.size(), b.masks.size());
  for (std::size_t i = 0; i < a.masks.size(); ++i) {
    EXPECT_EQ(cv::norm(a.masks[i].logits(), b.masks[i].logits(), cv::NORM_INF), 0);
    EXPECT_EQ(a.masks[i].presence, b.masks[i].presence);
  }
}

}  // namespace medplib::test
