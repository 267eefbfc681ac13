// Training batches of the published code, computed by ours: losses, gradients and one step of the optimiser.
#include "base/files.h"
#include "data/records.h"
#include "nn/network.h"
#include "ops/lora.h"
#include "support/golden_network.h"
#include "support/temporary_folder.h"
#include "support/tolerance.h"
#include "train/forward.h"
#include "train/losses.h"
#include "train/optimizer.h"
#include "weights/names.h"
#include "weights/sources.h"

#include <medplib/core/error.h>

#include <c10/core/GradMode.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <regex>
#include <set>

namespace medplib::test {

namespace fs = std::filesystem;
using core::Json;
using core::published_name;

namespace {

constexpr Tolerance kTolerance = kVariants[0].tolerance;  // float32 on the CPU

constexpr std::string_view kAfterStep = "after_step:";

fs::path train_folder() { return golden_root() / "train"; }

// The names of train/NAME.json, with tensors beside them, whose facts have this key.
std::vector<std::string> cases_with(const char* key) {
  std::vector<std::string> names;
  if (!fs::exists(train_folder())) return names;
  for (const auto& entry : fs::directory_iterator(train_folder())) {
    if (entry.path().extension() != ".json" || !core::read_json(entry.path()).contains(key)) continue;
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// What the published recipe keeps still.
bool is_frozen(const std::string& name) {
  return name.starts_with("clip.") || name.starts_with("sam.encoder.") || name.starts_with("sam.prompt.");
}

class TrainingCase {
 public:
  explicit TrainingCase(const std::string& name)
      : facts_(core::read_json(train_folder() / (name + ".json"))),
        tensors_(load_golden("train/" + name + ".safetensors")),
        checkpoint_(golden_model("ckpt/" + facts_.value("checkpoint", "tiny_moe"))),
        model_(checkpoint_),
        network_(parameters_, model_.config),
        parts_(core::Scope(training_only_), model_.config, 1, {}) {
    for (const auto& [name, value] : tensors_) unread_.insert(name);
    load_weights();
    const Json& weights = facts_.at("weights");
    recipe_.weight["cross_entropy"] = weights.at("ce");
    recipe_.weight["dice"] = weights.at("dice");
    recipe_.weight["bce"] = weights.at("bce");
    recipe_.weight["focal"] = weights.at("focal");
    recipe_.weight["iou"] = weights.at("iou");
    recipe_.weight["router"] = facts_.at("router_aux_loss_coef");
    recipe_.weight["prompted"] = 0;
    make_batch();
  }

  void check_batch() const {
    const auto ids = facts_.at("input_ids").get<std::vector<std::vector<core::TokenId>>>(),
               labels = facts_.at("labels").get<std::vector<std::vector<core::TokenId>>>();
    ASSERT_EQ(batch_.prompts.size(), ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(filled(batch_.prompts[i].ids, ids[i].size(), core::kPadding), ids[i]);
      EXPECT_EQ(filled(batch_.prompts[i].labels, ids[i].size(), core::kIgnoredLabel), labels[i]);
    }
    const core::PackedTensors packed = core::pack_tensors(batch_.prompts, model_.config.image_tokens());
    EXPECT_TRUE(at::equal(packed.labels, matrix("expanded_labels")));
    const at::Tensor seen = packed.mask.select(1, 0).select(1, -1) == 0;  // by the last token: (B, T)
    EXPECT_TRUE(at::equal(seen.to(at::kLong), matrix("expanded_attention_mask")));
  }

  void check_forward() {
    const core::Forward got = core::forward(trainee(), batch_, core::counts_of(batch_), /*seed=*/0);
    check_routing(got.language.routings);
    check("final_norm", got.language.hidden, kTolerance.states);
    if (!batch_.targets.empty()) {
      check("pred_embeddings", got.text_prompts, kTolerance.states);
      check("low_res_logits", got.masks.logits.squeeze(1), kTolerance.masks);
      check("iou_pred", got.masks.iou.squeeze(1), kTolerance.masks);
      for (std::size_t i = 0; i < got.mask_logits.size(); ++i)
        check("mask_logits." + std::to_string(i), got.mask_logits[i], kTolerance.masks);
    }
    check_scalars(got);
  }

  void check_gradients() {
    const core::Losses losses = core::backward(trainee(), batch_, /*seed=*/0);
    scalar("loss", losses.total);
    const auto norms = facts_.at("grad_norms").get<std::map<std::string, double>>();
    const auto without = facts_.at("grads_none").get<std::vector<std::string>>();
    EXPECT_EQ(norms.size() + without.size(), trainable_.size());
    for (const auto& [name, value] : trainable_) {
      const std::string published = published_name(name);
      const auto norm = norms.find(published);
      if (norm != norms.end()) {
        check_gradient(published, value.grad().defined() ? value.grad() : at::zeros_like(value),
                       norm->second);
        continue;
      }
      EXPECT_EQ(std::count(without.begin(), without.end(), published), 1) << published;
      EXPECT_FALSE(value.grad().defined()) << published;
    }
    const at::Tensor embedding = parameter("model.embed_tokens.weight").grad();
    EXPECT_EQ(embedding[core::kPadding].abs().max().item<double>(), 0) << "padding isn't taught";
  }

  // With the gradients that check_gradients left.
  void check_step() {
    const std::string how = facts_.value("optimizer", "norm 1.0 lr 0 betas (0.9,0.95) wd 0");
    const auto number = [&](const char* pattern) {
      std::smatch found;
      EXPECT_TRUE(std::regex_search(how, found, std::regex(pattern))) << pattern << " in " << how;
      return std::stod(found[1]);
    };
    recipe_.steps = 1;
    recipe_.warmup = 0;
    recipe_.clip_norm = number("norm ([0-9.]+)");
    recipe_.learning_rate = number("lr ([0-9.e-]+)");
    recipe_.beta1 = number("betas \\(([0-9.]+)");
    recipe_.beta2 = number("betas \\([0-9.]+, ?([0-9.]+)");
    recipe_.weight_decay = number("wd ([0-9.e-]+)");
    std::map<std::string, at::Tensor> before;
    for (const auto& [name, expected] : tensors_)
      if (name.starts_with(kAfterStep)) before[name] = stepped(name).clone();
    core::Optimizer optimizer(recipe_, trainable_);
    const double before_clipping = facts_.at("total_grad_norm_before_clip");
    EXPECT_NEAR(optimizer.step(0), before_clipping, kTolerance.masks * before_clipping);
    for (const auto& [name, weights] : before) {
      const at::Tensor &got = stepped(name), &expected = *kept(name);
      EXPECT_LE(relative_error(got, expected), kTolerance.states) << name;
      // A step is so small beside the weights that one left out could pass for an error of theirs.
      EXPECT_LE(mean_size(got - expected), 0.02 * mean_size(expected - weights)) << name;
    }
  }

  void check_that_all_was_compared() const { EXPECT_THAT(unread_, testing::IsEmpty()); }

 private:
  core::Trainee trainee() const {
    return {.network = network_,
            .parts = parts_,
            .recipe = recipe_,
            .geometry = core::MaskGeometry::Reference,
            .seg_token = model_.tokenizer.added("<SEG>")};
  }

  void load_weights() {
    const c10::NoGradGuard no_grad;
    core::Checkpoint stored(checkpoint_);
    for (const auto& [name, value] : parameters_.all()) {
      value.detach().copy_(stored.take({.name = name, .shape = value.sizes().vec()}));
      if (is_frozen(name)) value.set_requires_grad(false);
      if (value.requires_grad()) trainable_.emplace_back(name, value);
    }
    stored.finish();
    // Rows in which the case's weights differ from the checkpoint that is at hand.
    const Json others = facts_.value("rows", Json::object());
    for (const auto& [published, rows] : others.items())
      parameter(published).detach().index_copy_(
          0, at::tensor(rows.get<std::vector<std::int64_t>>(), at::kLong), *kept("rows:" + published));
  }

  // Each of the case's conversations as a file of training data beside copies of their pictures.
  void make_batch() {
    for (const auto& entry : fs::directory_iterator(train_folder()))
      if (entry.path().extension() == ".png")
        fs::copy_file(entry.path(), data_ / entry.path().filename().string());
    model_.conversation = core::conversation_template(facts_.at("template").get<std::string>());
    core::Collator builder(model_);
    for (const Json& item : facts_.at("items")) {
      core::write_file(data_ / "train.json", Json::array({item}).dump());
      const auto images = core::read_records(data_ / "train.json");
      need_files_of(images.front());
      builder.add(batch_, images[0].image, {&images[0].records[0]}, 0, {});
    }
  }

  // In the copy, by their names in the set.
  static void need_files_of(const core::ImageRecords& image) {
    const auto need = [](const fs::path& copy) { (void)golden("train" / copy.filename()); };
    need(image.image);
    for (const core::Record& record : image.records) {
      std::ranges::for_each(record.regions, need);
      std::ranges::for_each(record.masks, need);
    }
  }

  static std::vector<core::TokenId> filled(std::vector<core::TokenId> row, std::size_t length,
                                           core::TokenId with) {
    row.resize(length, with);
    return row;
  }

  at::Tensor matrix(const char* key) const {
    std::vector<at::Tensor> rows;
    for (const auto& row : facts_.at(key).get<std::vector<std::vector<std::int64_t>>>())
      rows.push_back(at::tensor(row, at::kLong));
    return at::stack(rows);
  }

  // What the tensor after a step is of.
  at::Tensor stepped(const std::string& name) const {
    return parameter(name.substr(kAfterStep.size())).detach();
  }

  static double mean_size(const at::Tensor& values) { return values.abs().mean().item<double>(); }

  at::Tensor parameter(const std::string& published) const {
    for (const auto& [name, value] : trainable_)
      if (published_name(name) == published) return value;
    ADD_FAILURE() << "nothing trains " << published;
    return at::zeros({});
  }

  // Null where the case keeps no such tensor.
  const at::Tensor* kept(const std::string& name) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) return nullptr;
    unread_.erase(name);
    return &found->second;
  }

  void check(const std::string& name, const at::Tensor& got, double tolerance) {
    const at::Tensor* expected = kept(name);
    if (expected == nullptr) return;
    EXPECT_LE(relative_error(got, *expected), tolerance) << name;
  }

  void check_routing(const std::vector<core::Routing>& routings) {
    const Json& counts = facts_.at("router_counts");
    ASSERT_EQ(routings.size(), counts.size());
    for (std::size_t i = 0; i < routings.size(); ++i) {
      const std::string layer = std::to_string(model_.config.language.moe.layers[i]);
      check("router_logits." + layer, routings[i].logits, kTolerance.states);
      const auto expected = counts.at(layer).get<std::vector<double>>();
      const at::Tensor chosen = routings[i].experts.select(1, 0);
      // A token between two experts may take either.
      const auto best = std::get<0>(at::softmax(routings[i].logits, 1).topk(2, 1));
      const auto undecided = ((best.select(1, 0) - best.select(1, 1)) < 1e-4).sum().item<double>();
      for (std::size_t e = 0; e < expected.size(); ++e)
        EXPECT_NEAR((chosen == static_cast<std::int64_t>(e)).sum().item<double>(), expected[e], undecided)
            << "layer " << layer << ", expert " << e;
      const double auxiliary = facts_.at("scalars").at("router_aux_per_layer").at(i);
      EXPECT_NEAR(core::router_loss({routings[i]}).item<double>(), auxiliary, kTolerance.losses * auxiliary);
    }
  }

  void scalar(const char* name, const at::Tensor& got) const {
    const double expected = facts_.at("scalars").at(name);
    EXPECT_NEAR(got.item<double>(), expected, kTolerance.losses * std::abs(expected)) << name;
  }

  // Also of the losses that have no weight in this case.
  void check_scalars(const core::Forward& forward) const {
    core::Losses got = forward.losses;
    if (recipe_.weight["focal"] == 0 || recipe_.weight["iou"] == 0) add_unweighted(forward, got);
    const auto weighted = [&](core::LossKey key) { return recipe_.weight[key] * got[key]; };
    const at::Tensor language = got["cross_entropy"] + weighted("router");
    scalar("cross_entropy_only", got["cross_entropy"]);
    scalar("router_aux_loss_scaled", weighted("router"));
    scalar("lm_loss_with_aux", language);
    scalar("ce_loss", recipe_.weight["cross_entropy"] * language);
    scalar("unscale_mask_bce_loss", got["bce"]);
    scalar("unscale_mask_dice_loss", got["dice"]);
    scalar("unscale_mask_focal_loss", got["focal"]);
    scalar("unscale_mask_iou_loss", got["iou"]);
    scalar("unscale_mask_loss", got["bce"] + got["dice"] + got["focal"] + got["iou"]);
    scalar("mask_bce_loss", weighted("bce"));
    scalar("mask_dice_loss", weighted("dice"));
    scalar("mask_loss", weighted("bce") + weighted("dice") + weighted("focal") + weighted("iou"));
    scalar("loss", got.total);
  }

  void add_unweighted(const core::Forward& forward, core::Losses& losses) const {
    const auto count = static_cast<double>(batch_.targets.size());
    losses["focal"] = losses["iou"] = at::zeros({});
    for (std::size_t i = 0; i < batch_.targets.size(); ++i) {
      const core::DrawnMask mask{forward.mask_logits[i], batch_.targets[i].inside,
                                 forward.masks.iou[static_cast<std::int64_t>(i)][0]};
      losses["focal"] = losses["focal"] + core::focal_loss(mask) / count;
      losses["iou"] = losses["iou"] + core::iou_loss(mask) / count;
    }
  }

  // Gradients that are 0 but for rounding, such as those of keys' biases, are held to the whole's size.
  void check_gradient(const std::string& published, const at::Tensor& gradient, double norm) {
    const double total = facts_.at("total_grad_norm_before_clip"), floor = 1e-7 * total;
    EXPECT_NEAR(gradient.norm().item<double>(), norm, kTolerance.masks * norm + floor) << published;
    const at::Tensor* stored = kept("grad:" + published);
    if (stored == nullptr) return;
    // Measuring the total clips it to 1 in place; the norms were taken before, the tensors kept afterwards.
    const double size = stored->norm().item<double>(), clip = std::min(1.0, 1.0 / total);
    const bool clipped = std::abs(size - norm * clip) < std::abs(size - norm);
    const at::Tensor expected = clipped ? *stored / clip : *stored;
    const double largest = expected.abs().max().item<double>();
    EXPECT_LE((gradient - expected).abs().max().item<double>(), kTolerance.masks * largest + floor)
        << published;
  }

  Json facts_;
  std::map<std::string, at::Tensor> tensors_;
  std::set<std::string> unread_;  // names of tensors that nothing was compared with
  fs::path checkpoint_;
  core::FolderFacts model_;
  core::FreshParameters parameters_{1}, training_only_{1};
  core::Network network_;
  core::TrainingParts parts_;
  core::NamedTensors trainable_;
  core::Recipe recipe_;
  TemporaryFolder data_;
  core::Batch batch_;
};

}  // namespace

class GoldenTraining : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTraining, equals_the_published_implementation) {
  TrainingCase training(GetParam());
  training.check_batch();
  training.check_forward();
  training.check_gradients();
  training.check_step();
  training.check_that_all_was_compared();
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenTraining, testing::ValuesIn(cases_with("scalars")),
                         [](const auto& info) { return info.param; });

class GoldenLora : public testing::TestWithParam<std::string> {};

TEST_P(GoldenLora, merged_weights_equal_the_published_ones) {
  const Json facts = core::read_json(train_folder() / (GetParam() + ".json"));
  const auto tensors = load_golden("train/" + GetParam() + ".safetensors");
  int merged = 0;
  for (const auto& [name, expected] : tensors) {
    if (!name.starts_with("merged:")) continue;
    const std::string weight = name.substr(7), module = weight.substr(0, weight.rfind(".weight"));
    const auto matrix = [&](const char* which) {
      return tensors.at(core::text_of("lora:base_model.model.", module, ".lora_", which, ".default.weight"));
    };
    const core::Lora lora{.a = matrix("A"), .b = matrix("B"), .alpha = facts.at("lora_alpha")};
    EXPECT_LE(relative_error(core::merge_lora(tensors.at("base:" + weight), lora), expected), 1e-6) << weight;
    ++merged;
  }
  EXPECT_GT(merged, 0);
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenLora, testing::ValuesIn(cases_with("lora_alpha")),
                         [](const auto& info) { return info.param; });

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GoldenTraining);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GoldenLora);

// Whether any case of this repository has a tensor whose name begins so.
bool is_committed(std::string_view beginning) {
  for (const auto& entry : fs::directory_iterator(committed_goldens() / "train")) {
    if (entry.path().extension() != ".safetensors") continue;
    for (const auto& [name, value] : load_golden(entry.path()))
      if (name.starts_with(beginning)) return true;
  }
  return false;
}

TEST(GoldenTrainingCases, of_this_repository_have_a_step_and_an_adapter) {
  EXPECT_TRUE(is_committed(kAfterStep));
  EXPECT_TRUE(is_committed("merged:"));
}

TEST(GoldenTrainingCases, are_there) {
  if (cases_with("scalars").empty()) GTEST_SKIP() << "The golden set has no train folder with a batch.";
}

TEST(GoldenLoraCases, are_there) {
  if (cases_with("lora_alpha").empty())
    GTEST_SKIP() << "The golden set has no train folder with a merged adapter.";
}

}  // namespace medplib::test
