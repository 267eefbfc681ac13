#include "train/forward.h"

#include "ops/autocast.h"
#include "train/losses.h"
#include "train/prompted.h"
#include "vision/mask_geometry.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <map>

namespace medplib::core {
namespace {

// The language model's view of the features (B, grid², clip): (B, T, C), shorter sequences filled up with
// padding.
at::Tensor embed(const Network& network, const at::Tensor& features, const Batch& batch) {
  const at::Tensor tokens = network.projector(features);
  std::vector<at::Tensor> rows;
  std::map<std::int64_t, at::Tensor> adapted;  // of the images with regions
  for (const BatchRegion& region : batch.regions)
    if (at::Tensor& image = adapted[region.image]; !image.defined())
      image = network.region.adapt(features[region.image]);
  for (const PackedPrompt& prompt : batch.prompts) {
    std::vector<at::Tensor> images, regions;
    for (const std::size_t image : prompt.images) images.push_back(tokens[static_cast<std::int64_t>(image)]);
    for (const std::size_t number : prompt.regions) {
      const BatchRegion& region = batch.regions.at(number);
      regions.push_back(network.region(adapted.at(region.image), region.cells));
    }
    rows.push_back(network.embed_prompt(prompt.ids, images, regions));
  }
  std::int64_t longest = 0;
  for (const auto& row : rows) longest = std::max(longest, row.size(0));
  const at::Tensor padding = network.language.embed(at::tensor({kPadding}, at::kLong));  // (1, C)
  for (auto& row : rows) row = at::cat({row, padding.expand({longest - row.size(0), -1})});
  return at::stack(rows);
}

// Token t is predicted by state t − 1: the states, and what they should say, as flat lists.
struct Predictions {
  at::Tensor states;  // (n, C)
  at::Tensor labels;  // (n)
};

Predictions labelled(const at::Tensor& hidden, const at::Tensor& labels) {
  const at::Tensor states = hidden.narrow(1, 0, hidden.size(1) - 1).reshape({-1, hidden.size(2)});
  const at::Tensor next = labels.narrow(1, 1, labels.size(1) - 1).reshape({-1});
  const at::Tensor rows = at::nonzero(next != kIgnoredLabel).squeeze(1);
  return {states.index_select(0, rows), next.index_select(0, rows)};
}

// The way of a batch through what reads images and writes words.
struct LanguagePass {
  at::Tensor features;  // of CLIP: (B, grid², clip)
  LanguageOutput language;
  Predictions predictions;
  at::Tensor seg_rows;  // of the predictions: where the answers hold <SEG>
  at::Tensor prompts;   // of these: (targets, channels)
};

LanguagePass run_language(const Network& network, const Batch& batch, std::int64_t seg_token,
                          FeatureCache* cache, const ExpertCapacity* capacity) {
  LanguagePass pass;
  pass.features = encode_with_clip(network, batch.clip_pixels, cache);
  const PackedTensors packed = pack_tensors(batch.prompts, network.config.image_tokens());
  pass.language =
      network.language.forward(embed(network, pass.features, batch), packed.positions, packed.mask, capacity);
  pass.predictions = labelled(pass.language.hidden, packed.labels);
  pass.seg_rows = at::nonzero(pass.predictions.labels == seg_token).squeeze(1);
  pass.prompts = network.seg_embedding(pass.predictions.states.index_select(0, pass.seg_rows));
  return pass;
}

at::Tensor sum_of(const std::vector<at::Tensor>& losses) {
  return losses.empty() ? at::zeros({}, at::kFloat) : at::stack(losses).sum();
}

// How many masks a whole batch has.
struct MaskCounts {
  double all = 0, nonempty = 0;
};

// Calls `visit` with each loss of single masks that is computed: its key, and the sum over these masks
// divided by the number that the whole batch has. `logits`: (H, W) each, `iou`: (targets).
template <class Visit>
void for_each_mask_loss(const Recipe& recipe, const std::vector<at::Tensor>& logits, const at::Tensor& iou,
                        const std::vector<MaskTarget>& targets, const MaskCounts& whole, const Visit& visit) {
  for_each_loss([&](LossKey key, const LossRow& row) {
    if (row.of_mask == nullptr || !is_computed(recipe, key)) return;
    std::vector<at::Tensor> losses;
    for (std::size_t i = 0; i < targets.size(); ++i)
      if (!row.only_nonempty || targets[i].inside.any().item<bool>())
        losses.push_back(row.of_mask({logits[i], targets[i].inside, iou[static_cast<std::int64_t>(i)]}));
    visit(key, sum_of(losses) / std::max(row.only_nonempty ? whole.nonempty : whole.all, 1.0));
  });
}

// One batch, or a part of one, on its way.
class Pass {
 public:
  Pass(const Trainee& trainee, const Batch& batch, const BatchCounts& whole, std::uint64_t seed)
      : trainee_(trainee),
        network_(trainee.network),
        recipe_(trainee.recipe),
        batch_(batch),
        whole_(whole),
        own_(counts_of(batch)),
        seed_(seed) {}

  Forward run() {
    if (recipe_.objective != Objective::Grounding)
      add_language_losses();
    else if (!batch_.targets.empty())
      result_.text_prompts = name_prompts();
    if (recipe_.objective == Objective::Language) return std::move(result_);
    const ImageEmbedding images =
        encode_with_sam(network_, batch_.sam_pixels, trainee_.parts.sam_cache.get());
    add_image_label_loss(trainee_.parts.sam_label, images.embedding.mean({2, 3}));
    if (!batch_.targets.empty()) add_mask_losses(images);
    return std::move(result_);
  }

 private:
  static double share(std::int64_t own, std::int64_t whole) {
    return static_cast<double>(own) / static_cast<double>(whole);
  }

  void add(LossKey key, const at::Tensor& loss) {
    losses_[key] = losses_[key] + loss;
    losses_.total = losses_.total + recipe_.weight[key] * loss;
  }

  void add_image_label_loss(const Linear& head, const at::Tensor& features) {
    if (!is_computed(recipe_, "image_label")) return;
    add("image_label", cross_entropy(head(features), at::tensor(batch_.image_labels, at::kLong)) *
                           share(own_.images, whole_.images));
  }

  // What each cell shows of the structures that the batch has masks of: a mean over each, then over all.
  void add_structure_label_loss(const at::Tensor& features) {
    if (!is_computed(recipe_, "structure_label")) return;
    std::vector<at::Tensor> losses;
    for (const auto& target : batch_.targets) {
      const at::Tensor cells = at::nonzero(target.cells.view({-1})).squeeze(1);
      if (cells.numel() == 0) continue;
      const at::Tensor inside = features[target.image].index_select(0, cells);
      const at::Tensor label = at::tensor(trainee_.parts.label_of(target.structure), at::kLong);
      losses.push_back(cross_entropy(trainee_.parts.structure_label(inside), label.expand({cells.numel()})));
    }
    add("structure_label", sum_of(losses) / std::max(static_cast<double>(whole_.nonempty), 1.0));
  }

  // Everything about words, and the text prompts of the batch's targets.
  void add_language_losses() {
    LanguagePass pass = run_language(network_, batch_, trainee_.seg_token, trainee_.parts.clip_cache.get(),
                                     trainee_.capacity ? &*trainee_.capacity : nullptr);
    add_image_label_loss(trainee_.parts.clip_label, pass.features.mean(1));
    add_structure_label_loss(pass.features);
    const Predictions& predictions = pass.predictions;
    if (own_.tokens > 0) {
      const at::Tensor logits = network_.language.logits(predictions.states);
      losses_["cross_entropy"] =
          cross_entropy(logits, predictions.labels) * share(own_.tokens, whole_.tokens);
      result_.predicts_seg = logits.index_select(0, pass.seg_rows).argmax(1) == trainee_.seg_token;
    }
    losses_["router"] = router_loss(pass.language.routings) * share(own_.images, whole_.images);
    // As in the published model, the router's weight is within that of the words.
    losses_.total =
        losses_.total + recipe_.weight["cross_entropy"] *
                            (losses_["cross_entropy"] + recipe_.weight["router"] * losses_["router"]);
    result_.language = std::move(pass.language);
    result_.text_prompts = pass.prompts;
    if (is_computed(recipe_, "name_link") && !batch_.targets.empty())
      add("name_link", at::mse_loss(result_.text_prompts.to(at::kFloat), name_prompts().detach()) *
                           share(own_.targets, whole_.targets));
  }

  // The vectors of the names of what the targets show: (targets, channels).
  at::Tensor name_prompts() const {
    std::vector<at::Tensor> rows;
    for (const auto& target : batch_.targets) rows.push_back(trainee_.parts.names.at(target.structure));
    return at::stack(rows);
  }

  // Everything about masks: drawn from text prompts, and from simulated users.
  void add_mask_losses(const ImageEmbedding& all_images) {
    std::vector<std::int64_t> image_of;
    for (const auto& target : batch_.targets) image_of.push_back(target.image);
    const ImageEmbedding images = all_images.select(at::tensor(image_of, at::kLong));
    result_.masks = decode(images, network_.prompt_encoder.text(result_.text_prompts));
    result_.mask_logits = at_image_size(result_.masks.logits, batch_.targets);
    const MaskCounts counts{static_cast<double>(whole_.targets), static_cast<double>(whole_.nonempty)};
    for_each_mask_loss(recipe_, result_.mask_logits, result_.masks.iou.select(1, 0), batch_.targets, counts,
                       [&](LossKey key, const at::Tensor& loss) { add(key, loss); });
    if (is_computed(recipe_, "prompted")) add("prompted", prompted_loss(images));
  }

  // In float32, as the losses are.
  DecodedMasks decode(const ImageEmbedding& images, const PromptEmbedding& prompts) const {
    const DecodedMasks masks =
        network_.mask_decoder(images, network_.prompt_encoder.image_positions(), prompts, false);
    return {masks.logits.to(at::kFloat), masks.iou.to(at::kFloat)};
  }

  // (targets, 1, n, n) → (H, W) each.
  std::vector<at::Tensor> at_image_size(const at::Tensor& low, const std::vector<MaskTarget>& targets) const {
    std::vector<at::Tensor> logits;
    for (const auto& target : targets) {
      const auto row = static_cast<std::int64_t>(logits.size());
      logits.push_back(
          masks_at_image_size(low.narrow(0, row, 1), trainee_.geometry, letterbox_of(target))[0][0]);
    }
    return logits;
  }

  // The same masks drawn from simulated boxes or clicks; all of a batch of one kind, so that they run as one.
  at::Tensor prompted_loss(const ImageEmbedding& of_each_target) {
    Random random(seed_);
    const PromptPlan plan = PromptPlan::draw(random);
    std::vector<MaskTarget> targets;
    std::vector<std::int64_t> rows;
    std::vector<SimulatedUser> users;
    for (std::size_t i = 0; i < batch_.targets.size(); ++i) {
      const MaskTarget& target = batch_.targets[i];
      if (!target.inside.any().item<bool>()) continue;
      rows.push_back(static_cast<std::int64_t>(i));
      targets.push_back(target);
      users.emplace_back(plan.kind, target.inside, letterbox_of(target), seed_of(target));
    }
    if (rows.empty()) return at::zeros({}, at::kFloat);
    const at::Tensor wanted = at::tensor(rows, at::kLong);
    const ImageEmbedding images = of_each_target.select(wanted);
    at::Tensor drawn = result_.masks.logits.detach().index_select(0, wanted);
    for (std::uint64_t round = 0; round < plan.corrections; ++round) {
      if (round > 0) drawn = draw_without_gradient(images, users);
      const std::vector<at::Tensor> logits = at_image_size(drawn, targets);
      for (std::size_t i = 0; i < users.size(); ++i)
        users[i].correct(logits[i], drawn[static_cast<std::int64_t>(i)]);
    }
    const DecodedMasks masks = decode(images, encode(users));
    const auto count = static_cast<double>(whole_.nonempty);
    at::Tensor sum = at::zeros({}, at::kFloat);
    for_each_mask_loss(recipe_, at_image_size(masks.logits, targets), masks.iou.select(1, 0), targets,
                       {count, count},
                       [&](LossKey key, const at::Tensor& loss) { sum = sum + recipe_.weight[key] * loss; });
    return sum;
  }

  std::uint64_t seed_of(const MaskTarget& target) const {
    return seed_ + 0x9e3779b97f4a7c15ULL * static_cast<std::uint64_t>(target.number + 1);
  }

  PromptEmbedding encode(const std::vector<SimulatedUser>& users) const {
    std::vector<at::Tensor> sparse, dense;
    for (const auto& user : users) {
      const PromptEmbedding embedded = network_.prompt_encoder(user.prompt());
      sparse.push_back(embedded.sparse);
      dense.push_back(embedded.dense);
    }
    return {at::cat(sparse), at::cat(dense)};
  }

  at::Tensor draw_without_gradient(const ImageEmbedding& images,
                                   const std::vector<SimulatedUser>& users) const {
    const c10::NoGradGuard no_grad;
    return decode(images, encode(users)).logits;
  }

  const Letterbox& letterbox_of(const MaskTarget& target) const {
    return batch_.sam_letterboxes[static_cast<std::size_t>(target.image)];
  }

  const Trainee& trainee_;
  const Network& network_;
  const Recipe& recipe_;
  const Batch& batch_;
  const BatchCounts& whole_;
  BatchCounts own_;
  std::uint64_t seed_;
  Forward result_;
  Losses& losses_ = result_.losses;
};

}  // namespace

TrainingParts::TrainingParts(const Scope& scope, const ModelConfig& config, std::int64_t image_labels,
                             const std::set<std::string>& structures)
    : clip_label(scope.as(Role::Head) / "clip", config.clip.hidden, image_labels),
      sam_label(scope.as(Role::Head) / "sam", config.sam.channels, image_labels),
      structure_label(scope.as(Role::Head) / "structures", config.clip.hidden,
                      std::max<std::int64_t>(std::ssize(structures), 1)) {
  for (const auto& name : structures)
    names[name] = (scope.as(Role::Name) / "names").take(name, {config.sam.channels}, Init::Normal);
}

std::int64_t TrainingParts::label_of(const std::string& structure) const {
  return std::distance(names.begin(), names.find(structure));
}

void add_text_prompts(std::map<std::string, std::vector<at::Tensor>>& by_name, const Network& network,
                      const Batch& batch, std::int64_t seg_token) {
  if (batch.targets.empty()) return;
  // Nothing is kept: a step may see the same pictures in bfloat16.
  const at::Tensor prompts = run_language(network, batch, seg_token, nullptr, nullptr).prompts;
  for (std::size_t i = 0; i < batch.targets.size(); ++i)
    by_name[batch.targets[i].structure].push_back(prompts[static_cast<std::int64_t>(i)]);
}

Losses::Losses() : total(at::zeros({}, at::kFloat)) {
  for_each_loss([&](LossKey key, const LossRow&) { each[key] = at::zeros({}, at::kFloat); });
}

bool is_computed(const Recipe& recipe, LossKey key) {
  return recipe.weight[key] > 0 || kLosses[key.row()].always;
}

Forward forward(const Trainee& trainee, const Batch& batch, const BatchCounts& whole, std::uint64_t seed) {
  const Autocast precision(trainee.recipe.precision == Precision::BFloat16);
  return Pass(trainee, batch, whole, seed).run();
}

Losses backward(const Trainee& trainee, const Batch& batch, std::uint64_t seed) {
  const BatchCounts whole = counts_of(batch);
  Losses sum;
  for (const Batch& part : split(batch, trainee.recipe.accumulate)) {
    Losses losses = forward(trainee, part, whole, seed).losses;
    if (losses.total.requires_grad()) losses.total.backward();
    sum.total.add_(losses.total.detach());
    for_each_loss([&](LossKey key, const LossRow&) { sum[key].add_(losses[key].detach()); });
  }
  return sum;
}

}  // namespace medplib::core
