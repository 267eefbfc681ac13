#include "train/augment.h"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <cmath>
#include <numbers>
#include <set>

namespace medplib::core {
namespace {

// A bright rectangle on dark ground, and its mask.
View rectangle(const cv::Scalar& colour) {
  View view{.rgb = cv::Mat(64, 96, CV_8UC3, cv::Scalar(20, 20, 20)),
            .masks = {cv::Mat::zeros(64, 96, CV_8UC1)}};
  cv::rectangle(view.rgb, {30, 20, 36, 24}, colour, cv::FILLED);
  cv::rectangle(view.masks[0], {30, 20, 36, 24}, cv::Scalar(1), cv::FILLED);
  return view;
}

TEST(Augment, image_and_mask_move_together) {
  cv::Mat mask = cv::Mat::zeros(100, 140, CV_8UC1);
  cv::circle(mask, {80, 40}, 20, cv::Scalar(1), cv::FILLED);
  cv::Mat rgb;
  cv::merge(std::vector<cv::Mat>(3, mask * 255), rgb);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    const View view = augment({rgb, {mask}}, seed % 2 == 0, random);
    ASSERT_EQ(view.rgb.size(), view.masks[0].size());
    if (cv::countNonZero(view.masks[0]) < 100) continue;  // moved out of sight
    const double inside = cv::mean(view.rgb, view.masks[0])[0],
                 outside = cv::mean(view.rgb, 1 - view.masks[0])[0];
    EXPECT_GT(inside, outside + 80) << seed;
  }
}

TEST(Augment, what_is_said_to_be_there_stays_in_view) {
  View corner{.rgb = cv::Mat(100, 140, CV_8UC3, cv::Scalar(20, 20, 20)),
              .masks = {cv::Mat::zeros(100, 140, CV_8UC1), cv::Mat::zeros(100, 140, CV_8UC1)}};
  cv::rectangle(corner.masks[0], {1, 1, 4, 4}, cv::Scalar(1), cv::FILLED);
  int lost = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed), same(seed);
    lost += cv::countNonZero(augment(corner, false, random).masks[0]) == 0 ? 1 : 0;
    const View kept = augment_with_all_masks(corner, false, same);
    EXPECT_GT(cv::countNonZero(kept.masks[0]), 0) << seed;
    EXPECT_EQ(cv::countNonZero(kept.masks[1]), 0) << "an empty mask may stay empty";
  }
  EXPECT_GT(lost, 0) << "nothing was to be kept";
}

TEST(Augment, half_of_the_pictures_take_other_proportions) {
  std::set<double> proportions;
  int cut = 0, square = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const cv::Size size = augment(rectangle({128, 128, 128}), false, random).rgb.size();
    EXPECT_TRUE(size.width >= 44 && size.width <= 96 && size.height >= 44 && size.height <= 64) << size;
    square += size.width == size.height ? 1 : 0;
    cut += size == cv::Size(96, 64) ? 0 : 1;
    proportions.insert(size.aspectRatio());
  }
  EXPECT_TRUE(cut > 30 && cut < 70) << cut;
  EXPECT_TRUE(square > 15 && square < 35) << square;
  EXPECT_GT(*proportions.rbegin(), 1.8);
}

TEST(Augment, grey_pictures_stay_grey_and_coloured_ones_change_their_tint) {
  bool tinted = false;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Random random(seed), same(seed);
    const auto mean_inside = [](const View& seen) {
      cv::Mat eroded;
      cv::erode(seen.masks[0], eroded, cv::Mat::ones(5, 5, CV_8U));
      return cv::mean(seen.rgb, eroded);
    };
    const cv::Scalar grey = mean_inside(augment(rectangle({128, 128, 128}), false, random));
    EXPECT_NEAR(grey[0], grey[1], 2) << "seed " << seed;
    EXPECT_NEAR(grey[1], grey[2], 2) << "seed " << seed;
    const cv::Scalar colour = mean_inside(augment(rectangle({128, 128, 127}), false, same));
    tinted = tinted || std::abs(colour[0] - colour[1]) > 5;
  }
  EXPECT_TRUE(tinted);
}

View photograph() {
  return {.rgb = cv::Mat(64, 96, CV_8UC3, cv::Scalar(150, 120, 90)),
          .masks = {cv::Mat::ones(64, 96, CV_8UC1)}};
}

TEST(Augment, a_round_field_hides_what_a_camera_does_not_see_in_picture_and_mask) {
  int round = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const View seen = augment(photograph(), false, random);
    cv::Mat black;
    cv::inRange(seen.rgb, cv::Scalar(0, 0, 0), cv::Scalar(0, 0, 0), black);
    EXPECT_EQ(cv::countNonZero(black & (seen.masks[0] > 0)), 0) << "seed " << seed;
    const cv::Rect field = cv::boundingRect(seen.masks[0]);
    const double share = cv::countNonZero(seen.masks[0]) / static_cast<double>(field.area());
    round += std::abs(share - std::numbers::pi / 4) < 0.02 ? 1 : 0;  // of a circle in its box
  }
  EXPECT_TRUE(round > 3 && round < 50) << round;
}

TEST(Augment, some_coloured_pictures_lie_whole_in_a_square) {
  int square = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    square += augment(photograph(), false, random).rgb.size() == cv::Size(96, 96) ? 1 : 0;
  }
  EXPECT_TRUE(square > 5 && square < 30) << square;
}

TEST(Augment, coloured_pictures_are_lit_from_a_side_and_grey_ones_are_not) {
  const auto unevenness = [](const View& seen) {
    cv::Mat inside;
    cv::erode(seen.masks[0], inside, cv::Mat::ones(9, 9, CV_8U), {-1, -1}, 1, cv::BORDER_CONSTANT, 0);
    cv::Scalar mean, deviation;
    cv::meanStdDev(seen.rgb, mean, deviation, inside);
    return deviation[1];
  };
  int lit = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed), same(seed);
    lit += unevenness(augment(photograph(), false, random)) > 10 ? 1 : 0;
    View grey = photograph();
    grey.rgb.setTo(cv::Scalar(120, 120, 120));
    EXPECT_LT(unevenness(augment(grey, false, same)), 10) << "seed " << seed;
  }
  EXPECT_TRUE(lit > 20 && lit < 60) << lit;
}

TEST(Augment, the_same_seed_gives_the_same_view) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed), same(seed);
    const View one = augment(photograph(), true, random), two = augment(photograph(), true, same);
    ASSERT_EQ(one.rgb.size(), two.rgb.size());
    EXPECT_EQ(cv::norm(one.rgb, two.rgb, cv::NORM_INF), 0) << "seed " << seed;
    EXPECT_EQ(cv::norm(one.masks[0], two.masks[0], cv::NORM_INF), 0) << "seed " << seed;
  }
}

// A disc in the middle, one to its right and one below: what becomes of them tells turns and mirroring.
View three_discs() {
  View view{.rgb = cv::Mat::zeros(200, 200, CV_8UC3), .masks = {}};
  for (const cv::Point centre : {cv::Point(100, 100), cv::Point(135, 100), cv::Point(100, 135)}) {
    view.masks.push_back(cv::Mat::zeros(200, 200, CV_8UC1));
    cv::circle(view.masks.back(), centre, 7, cv::Scalar(1), cv::FILLED);
  }
  return view;
}

struct Orientation {
  double degrees;
  bool mirrored;
};

Orientation orientation_of(const View& seen) {
  const auto centre = [&](std::size_t disc) {
    const cv::Moments moments = cv::moments(seen.masks[disc], true);
    return cv::Point2d(moments.m10, moments.m01) / moments.m00;
  };
  const cv::Point2d right = centre(1) - centre(0), down = centre(2) - centre(0);
  return {std::atan2(right.y, right.x) * 180 / std::numbers::pi, right.cross(down) < 0};
}

TEST(Augment, pictures_with_an_up_and_a_left_are_turned_a_little_and_never_mirrored) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const Orientation seen = orientation_of(augment(three_discs(), false, random));
    EXPECT_LE(std::abs(seen.degrees), 15.5) << "seed " << seed;
    EXPECT_FALSE(seen.mirrored) << "seed " << seed;
  }
}

TEST(Augment, pictures_of_free_orientation_are_turned_any_way_and_half_of_them_mirrored) {
  std::set<int> quarters;
  int mirrored = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const Orientation seen = orientation_of(augment(three_discs(), true, random));
    quarters.insert(static_cast<int>(std::floor(seen.degrees / 90)));
    mirrored += seen.mirrored ? 1 : 0;
  }
  EXPECT_EQ(quarters.size(), 4U);
  EXPECT_TRUE(mirrored > 30 && mirrored < 70) << mirrored;
}

}  // namespace
}  // namespace medplib::core
