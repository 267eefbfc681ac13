#include "nn/network.h"
#include "train/forward.h"
#include "train/losses.h"
#include "train/optimizer.h"
#include "train/prompted.h"
#include "train/small_training.h"
#include "weights/sources.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

namespace medplib::core {
namespace {

class Packing : public ::testing::Test {
 protected:
  LabelledPrompt conversation(const std::string& question, const std::string& answer) const {
    const std::vector<Turn> turns{{"<image>\n" + question, answer}};
    return label_conversation(tokenizer_, ConversationTemplate::VicunaV1, turns);
  }

  // Final states of the sequence that the conversations make together, one row an expanded position.
  at::Tensor states(const std::vector<LabelledPrompt>& conversations) const {
    const std::vector<PackedPrompt> packed{pack(conversations, tokenizer_)};
    const PackedTensors tensors = pack_tensors(packed, network_.config.image_tokens());
    const std::vector<at::Tensor> images{image_};
    const at::Tensor embedded = network_.embed_prompt(packed[0].ids, images, {}).unsqueeze(0);
    return network_.language.forward(embedded, tensors.positions, tensors.mask).hidden[0];
  }

  Tokenizer tokenizer_ = Tokenizer::load(test::committed_goldens() / "ckpt" / "tiny_seg");
  FreshParameters parameters_{3};
  Network network_{parameters_, ModelConfig::from_json(test::SmallTraining::config(), "test")};
  at::Tensor image_ = at::ones({network_.config.image_tokens(), network_.config.language.hidden}) * 0.1;
};

TEST_F(Packing, questions_packed_together_do_not_see_each_other) {
  const LabelledPrompt a = conversation("Which modality is this?", "A drawing."),
                       b = conversation("What is shown?", "A disc.");
  const at::Tensor together = states({a, b}), first = states({a}), second = states({b});
  const std::int64_t shared =
      together.size(0) - (together.size(0) - first.size(0)) - (together.size(0) - second.size(0));
  EXPECT_TRUE(at::allclose(together.narrow(0, 0, first.size(0)), first, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(together.narrow(0, first.size(0), second.size(0) - shared),
                           second.narrow(0, shared, second.size(0) - shared), 1e-4, 1e-5));
}

TEST_F(Packing, labels_stand_where_the_answers_are) {
  const LabelledPrompt a = conversation("What is shown?", "A disc.");
  const std::vector<PackedPrompt> packed{pack(std::vector{a, a}, tokenizer_)};
  const at::Tensor labels = pack_tensors(packed, 4).labels;
  std::int64_t answer_tokens = 0;
  for (const auto label : a.labels) answer_tokens += label != kIgnoredLabel;
  EXPECT_EQ((labels != kIgnoredLabel).sum().item<std::int64_t>(), 2 * answer_tokens);
  EXPECT_EQ(labels[0][-1].item<std::int64_t>(), tokenizer_.eos());
}

TEST_F(Packing, padding_sees_its_whole_sequence_and_nothing_sees_padding) {
  const std::vector<PackedPrompt> packed{
      pack(std::vector{conversation("What?", "A disc.")}, tokenizer_),
      pack(std::vector{conversation("What is shown in this?", "A disc.")}, tokenizer_)};
  const PackedTensors tensors = pack_tensors(packed, 1);
  const auto length = static_cast<std::int64_t>(packed[0].ids.size());
  const at::Tensor seen = tensors.mask[0][0] == 0;  // (T, T)
  ASSERT_LT(length, seen.size(0)) << "the first is shorter";
  EXPECT_FALSE(seen.slice(1, length).any().item<bool>());
  EXPECT_TRUE(seen.slice(0, length).slice(1, 0, length).all().item<bool>());
}

TEST(Losses, dice_and_bce_follow_their_formulas) {
  const at::Tensor target = at::tensor({1.0F, 1.0F, 0.0F, 0.0F}).view({2, 2}), even = at::zeros({2, 2});
  EXPECT_NEAR(dice_loss({even, target}).item<double>(), 1 - (2 * 1.0 + 1e-6) / (2.0 + 2.0 + 1e-6), 1e-6);
  EXPECT_NEAR(bce_loss({even, target}).item<double>(), std::log(2.0), 1e-6);
  EXPECT_LT(dice_loss({(target - 0.5) * 100, target}).item<double>(), 1e-6);
}

TEST(Losses, focal_and_iou_follow_their_formulas) {
  const at::Tensor target = at::tensor({1.0F, 0.0F, 0.0F, 0.0F}).view({2, 2}), even = at::zeros({2, 2});
  // α (1 − q)² (−log q) with q = ½ everywhere.
  EXPECT_NEAR(focal_loss({even, target}).item<double>(), (0.25 + 3 * 0.75) / 4 * 0.25 * std::log(2.0), 1e-6);
  // p = ½: both hold ½, one of them 1 + ½ · 4 − ½.
  EXPECT_NEAR(iou_loss({even, target, at::tensor(0.7F)}).item<double>(), std::pow(0.5 / 2.5 - 0.7, 2), 1e-6);
}

TEST(Losses, a_better_mask_brings_its_iou_to_what_was_predicted) {
  const at::Tensor target = at::tensor({1.0F, 0.0F}).view({1, 2}),
                   drawn = at::zeros({1, 2}).set_requires_grad(true);
  iou_loss({drawn, target, at::tensor(1.0F)}).backward();
  EXPECT_LT(drawn.grad()[0][0].item<double>(), 0) << "more inside";
  EXPECT_GT(drawn.grad()[0][1].item<double>(), 0) << "less outside";
}

TEST(Losses, tokens_spread_evenly_over_the_experts_cost_one_a_layer) {
  const at::Tensor logits = at::tensor({5.0F, 0.0F, 0.0F, 5.0F}).view({2, 2});
  const std::vector<Routing> even{route(logits, 1), route(logits, 1)};
  EXPECT_NEAR(router_loss(even).item<double>(), 2.0, 1e-5);
  const std::vector<Routing> all_in_one{route(at::tensor({50.0F, 0.0F, 50.0F, 0.0F}).view({2, 2}), 1)};
  EXPECT_NEAR(router_loss(all_in_one).item<double>(), 2.0, 1e-5);
}

TEST(Schedule, warms_up_and_then_decays_to_its_floor) {
  Recipe recipe;
  recipe.steps = 1000;
  recipe.warmup = 100;
  recipe.learning_rate = 1;
  recipe.final_learning_rate = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate_at(recipe, 0), 0.01);
  EXPECT_DOUBLE_EQ(learning_rate_at(recipe, 99), 1.0);
  EXPECT_NEAR(learning_rate_at(recipe, 550), 0.55, 1e-9);
  EXPECT_NEAR(learning_rate_at(recipe, 1000), 0.1, 1e-9);
}

TEST(Schedule, falls_linearly_as_the_published_one_but_for_its_start) {
  for (const Json& published : read_json(test::golden("metrics/lr_schedule.json"))) {
    Recipe recipe;
    recipe.schedule = Schedule::Linear;
    recipe.steps = published.at("total_num_steps");
    recipe.warmup = published.at("warmup_num_steps_used");
    recipe.learning_rate = published.at("warmup_max_lr");
    recipe.final_learning_rate = 0;
    // The published one begins with a step at the peak and one at 0, and then warms up, a step later than
    // ours: ours begins above 0.
    for (const auto& [key, rate] : published.at("lr_used_at_step").items()) {
      const std::int64_t step = std::stoll(key) - 1;
      if (step >= recipe.warmup) {
        EXPECT_NEAR(learning_rate_at(recipe, step), rate.get<double>(), 1e-9 * recipe.learning_rate) << key;
      } else if (step >= 1) {
        EXPECT_NEAR(learning_rate_at(recipe, step - 1), rate.get<double>(), 1e-9 * recipe.learning_rate)
            << key;
      }
    }
  }
}

TEST(SimulatedUsers, correct_where_the_drawn_mask_is_wrong) {
  at::Tensor inside = at::zeros({256, 256}), drawn = at::full({256, 256}, -1.0);
  inside.slice(0, 50, 150).slice(1, 50, 150).fill_(1);
  drawn.slice(0, 50, 150).slice(1, 100, 200).fill_(1);  // the left half missed, as much too much on the right
  const at::Tensor low = at::ones({1, 64, 64});
  std::set<std::int64_t> said;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SimulatedUser user(PromptPlan::Kind::Corrections, inside, letterbox(256, 256, 256), seed);
    EXPECT_FALSE(user.prompt().points.defined());
    for (std::int64_t i = 0; i < 3; ++i) {
      user.correct(drawn, low);
      const MaskPrompt& prompt = user.prompt();
      EXPECT_TRUE(prompt.mask.is_same(low));
      ASSERT_EQ(prompt.points.size(0), i + 1);  // those before are kept
      const auto x = prompt.points[i][0].item<float>(), y = prompt.points[i][1].item<float>();
      const auto label = prompt.labels[i].item<std::int64_t>();
      said.insert(label);
      // At least half as deep as the middle of the wrong part, which is 50 wide.
      EXPECT_TRUE(y > 60 && y < 140 && (label == 1 ? x > 60 && x < 90 : x > 160 && x < 190)) << x << " " << y;
    }
  }
  EXPECT_EQ(said, (std::set<std::int64_t>{0, 1}));
}

TEST(SimulatedUsers, confirm_a_mask_that_is_right) {
  at::Tensor inside = at::zeros({64, 64});
  inside.slice(0, 20, 40).slice(1, 20, 40).fill_(1);
  SimulatedUser user(PromptPlan::Kind::Corrections, inside, letterbox(64, 64, 64), 1);
  user.correct(inside * 2 - 1, at::zeros({1, 16, 16}));
  const MaskPrompt& prompt = user.prompt();
  EXPECT_TRUE(prompt.labels.equal(at::ones({1}, at::kLong)));
  EXPECT_TRUE((prompt.points > 20).all().item<bool>() && (prompt.points < 40).all().item<bool>());
}

TEST(SimulatedUsers, click_inside_and_draw_boxes_that_hold_the_mask) {
  at::Tensor inside = at::zeros({64, 128});
  inside.slice(0, 20, 40).slice(1, 60, 100).fill_(1);
  const Letterbox box = letterbox(128, 64, 256);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const MaskPrompt click = SimulatedUser(PromptPlan::Kind::Click, inside, box, seed).prompt();
    const auto x = click.points[0][0].item<float>(), y = click.points[0][1].item<float>();
    EXPECT_TRUE(x >= 120 && x <= 200 && y >= 64 + 40 && y <= 64 + 80) << x << " " << y;
    const at::Tensor corners = SimulatedUser(PromptPlan::Kind::Box, inside, box, seed).prompt().box;
    EXPECT_NEAR(corners[0].item<float>(), 120, 8);
    EXPECT_NEAR(corners[3].item<float>(), 64 + 80, 6);
  }
}

}  // namespace
}  // namespace medplib::core
