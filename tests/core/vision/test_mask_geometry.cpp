// A mask comes back to the place where it was drawn.
#include "support/golden_network.h"
#include "vision/mask_geometry.h"
#include "vision/pixels.h"

namespace medplib::test {

using core::Letterbox;
using core::MaskGeometry;

namespace {

constexpr int kInput = 256, kLow = 64;

// Logits of a box of the image, at its size: 10 inside, −10 outside.
at::Tensor boxed(int width, int height, double x0, double y0, double x1, double y1) {
  const at::Tensor x = at::arange(width) + 0.5, y = at::arange(height).unsqueeze(1) + 0.5;
  const at::Tensor inside = (x > x0) & (x < x1) & (y > y0) & (y < y1);
  return (inside.to(at::kFloat) * 20 - 10).view({1, 1, height, width});
}

double overlap(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor in_a = a > 0, in_b = b > 0;
  return (in_a & in_b).sum().item<double>() / (in_a | in_b).sum().item<double>();
}

}  // namespace

class MaskGeometryOf : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(MaskGeometryOf, centered_brings_a_mask_back_to_its_place) {
  const auto [width, height] = GetParam();
  const Letterbox box = core::letterbox(width, height, kInput);
  const at::Tensor drawn = boxed(width, height, width * 0.25, height * 0.1, width * 0.75, height * 0.6);
  const at::Tensor low = core::masks_at_low_resolution(drawn, MaskGeometry::Centered, box, kLow);
  EXPECT_EQ(low.sizes(), (at::IntArrayRef{1, 1, kLow, kLow}));
  const at::Tensor back = core::masks_at_image_size(low, MaskGeometry::Centered, box);
  EXPECT_EQ(back.sizes(), drawn.sizes());
  EXPECT_GT(overlap(back, drawn), 0.93);
}

// What is seen at a place of the network's input is drawn at its place in the image.
TEST_P(MaskGeometryOf, a_bright_box_of_the_picture_is_drawn_where_it_is) {
  const auto [width, height] = GetParam();
  const at::Tensor drawn = boxed(width, height, width * 0.25, height * 0.1, width * 0.75, height * 0.6);
  cv::Mat rgb(height, width, CV_8UC3, cv::Scalar(0, 0, 0));
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      if (drawn[0][0][y][x].item<float>() > 0) rgb.at<cv::Vec3b>(y, x) = {255, 255, 255};
  core::SamConfig config;
  config.image_size = kInput;
  const at::Tensor seen = core::sam_pixels(rgb, config).mean(0).view({1, 1, kInput, kInput});
  const at::Tensor low = at::avg_pool2d(seen, kInput / kLow);
  const Letterbox box = core::letterbox(width, height, kInput);
  const at::Tensor back = core::masks_at_image_size(low, MaskGeometry::Centered, box);
  EXPECT_GT(overlap(back, drawn), 0.95);  // a shift by one of the low resolution's cells costs more
}

TEST_P(MaskGeometryOf, a_place_in_the_image_lies_at_its_place_in_the_input) {
  const auto [width, height] = GetParam();
  const Letterbox box = core::letterbox(width, height, kInput);
  const core::Place first = core::place_in_input(-0.5, -0.5, box);
  EXPECT_NEAR(first.x, box.left() - 0.5, 1e-9);
  EXPECT_NEAR(first.y, box.top() - 0.5, 1e-9);
  const core::Place last = core::place_in_input(width - 0.5, height - 0.5, box);
  EXPECT_NEAR(last.x, box.left() + box.resized_width - 0.5, 1e-9);
  EXPECT_NEAR(last.y, box.top() + box.resized_height - 0.5, 1e-9);
}

INSTANTIATE_TEST_SUITE_P(Images, MaskGeometryOf,
                         testing::Values(std::pair{300, 300}, std::pair{480, 200}, std::pair{150, 400},
                                         std::pair{40, 30}, std::pair{1000, 1000}, std::pair{256, 256}),
                         [](const auto& info) {
                           return std::to_string(info.param.first) + "_by_" +
                                  std::to_string(info.param.second);
                         });

TEST(MaskGeometry, a_side_of_one_pixel_is_no_trouble) {
  const Letterbox box = core::letterbox(1000, 1, kInput);
  for (const auto geometry : {MaskGeometry::Centered, MaskGeometry::Reference}) {
    const at::Tensor mask = core::masks_at_image_size(at::ones({1, 1, kLow, kLow}), geometry, box);
    EXPECT_EQ(mask.sizes(), (at::IntArrayRef{1, 1, 1, 1000}));
    EXPECT_EQ(core::masks_at_low_resolution(mask, geometry, box, kLow).sizes(),
              (at::IntArrayRef{1, 1, kLow, kLow}));
  }
}

TEST(MaskGeometry, the_reference_keeps_the_rows_that_the_published_code_keeps) {
  const core::Json rows = core::read_json(golden("preprocess/postprocess_rows.json"));
  ASSERT_FALSE(rows.empty());
  for (const auto& [side, kept] : rows.items()) {
    const core::Span span = core::reference_span(kLow, std::stoll(side));
    EXPECT_EQ(span.first, kept[0].get<std::int64_t>()) << side;
    EXPECT_EQ(span.end, kept[1].get<std::int64_t>()) << side;
  }
}

TEST(MaskGeometry, the_reference_goes_back_into_the_crop_it_came_from) {
  const Letterbox box = core::letterbox(400, 400, kInput);
  const at::Tensor drawn = boxed(400, 400, 100, 40, 300, 240);
  const at::Tensor low = core::masks_at_low_resolution(drawn, MaskGeometry::Reference, box, kLow);
  EXPECT_GT(overlap(core::masks_at_image_size(low, MaskGeometry::Reference, box), drawn), 0.9);
}

TEST(MaskGeometry, gradients_flow_to_the_low_resolution) {
  const at::Tensor low = at::zeros({2, 1, kLow, kLow}).requires_grad_();
  const Letterbox box = core::letterbox(300, 200, kInput);
  for (const auto geometry : {MaskGeometry::Centered, MaskGeometry::Reference}) {
    low.mutable_grad() = at::Tensor();
    core::masks_at_image_size(low, geometry, box).sum().backward();
    EXPECT_GT(low.grad().abs().sum().item<double>(), 0);
  }
}

}  // namespace medplib::test
