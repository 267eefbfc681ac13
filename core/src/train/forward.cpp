#include "train/forward.h"

#include "generate/mask_geometry.h"
#include "train/losses.h"
#include "train/prompted.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace medplib::core {
namespace {

// The language model's view of the features (B, grid², clip): (B, T, C), shorter sequences padded with zeros.
at::Tensor embed(const Network& network, const at::Tensor& features, const Batch& batch) {
  const at::Tensor tokens = network.projector(features);
  std::vector<at::Tensor> rows;
  for (std::size_t i = 0; i < batch.prompts.size(); ++i) {
    const auto b = static_cast<std::int64_t>(i);
    std::vector<at::Tensor> regions;
    for (const auto& cells : batch.region_cells[i]) regions.push_back(network.region(features[b], cells));
    const std::vector<at::Tensor> images{tokens[b]};
    rows.push_back(network.embed_prompt(batch.prompts[i].ids, images, regions));
  }
  std::int64_t longest = 0;
  for (const auto& row : rows) longest = std::max(longest, row.size(0));
  for (auto& row : rows) row = at::constant_pad_nd(row, {0, 0, 0, longest - row.size(0)});
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

struct MaskLosses {
  at::Tensor dice, bce;  // means over the masks; Dice, over those with something in them
};

MaskLosses mask_losses(const at::Tensor& low_resolution, MaskGeometry geometry, const Batch& batch) {
  std::vector<at::Tensor> dice, bce;
  for (std::size_t i = 0; i < batch.targets.size(); ++i) {
    const MaskTarget& target = batch.targets[i];
    const at::Tensor logits =
        masks_at_image_size(low_resolution.narrow(0, static_cast<std::int64_t>(i), 1), geometry,
                            batch.sam_letterboxes[static_cast<std::size_t>(target.image)])[0][0];
    if (target.inside.any().item<bool>()) dice.push_back(dice_loss(logits, target.inside));
    bce.push_back(bce_loss(logits, target.inside));
  }
  return {dice.empty() ? at::zeros({}) : at::stack(dice).mean(), at::stack(bce).mean()};
}

// The same masks drawn from simulated boxes or clicks; all of a batch of one kind, so that they run as one.
at::Tensor prompted_loss(const Network& network, const Recipe& recipe, MaskGeometry geometry,
                         const Batch& batch, const ImageEmbedding& images, const at::Tensor& drawn,
                         Random& random) {
  const auto kind = static_cast<PromptKind>(random() % 3);
  std::vector<at::Tensor> sparse, dense;
  Batch kept;
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < batch.targets.size(); ++i) {
    const MaskTarget& target = batch.targets[i];
    if (target.inside.sum().item<double>() == 0) continue;
    const auto row = static_cast<std::int64_t>(i);
    const Letterbox& letterbox = batch.sam_letterboxes[static_cast<std::size_t>(target.image)];
    const at::Tensor earlier = drawn.narrow(0, row, 1).detach();
    const at::Tensor at_size = masks_at_image_size(earlier, geometry, letterbox)[0][0];
    MaskPrompt prompt = simulate_prompt(kind, target.inside, at_size, letterbox, random);
    if (kind == PromptKind::Correction) prompt.mask = earlier[0];
    const PromptEmbedding embedded = network.prompt_encoder(prompt);
    sparse.push_back(embedded.sparse);
    dense.push_back(embedded.dense);
    rows.push_back(row);
    kept.targets.push_back(target);
  }
  if (rows.empty()) return at::zeros({});
  kept.sam_letterboxes = batch.sam_letterboxes;
  const PromptEmbedding prompts{at::cat(sparse), at::cat(dense)};
  const DecodedMasks masks = network.mask_decoder(images.select(at::tensor(rows, at::kLong)),
                                                  network.prompt_encoder.image_positions(), prompts, false);
  const MaskLosses losses = mask_losses(masks.logits, geometry, kept);
  return recipe.dice * losses.dice + recipe.bce * losses.bce;
}

// The vectors of the names of what the targets show: (targets, channels).
at::Tensor name_prompts(const TrainingParts& parts, const Batch& batch) {
  std::vector<at::Tensor> rows;
  for (const auto& target : batch.targets) rows.push_back(parts.names.at(target.structure));
  return at::stack(rows);
}

// Everything about masks: drawn from text prompts (targets, channels), and from simulated users.
void add_mask_losses(Losses& losses, const Network& network, const Recipe& recipe, MaskGeometry geometry,
                     const Batch& batch, const at::Tensor& text_prompts, const ImageEmbedding& all_images,
                     Random& random) {
  std::vector<std::int64_t> image_of;
  for (const auto& target : batch.targets) image_of.push_back(target.image);
  const ImageEmbedding images = all_images.select(at::tensor(image_of, at::kLong));
  const DecodedMasks masks = network.mask_decoder(images, network.prompt_encoder.image_positions(),
                                                  network.prompt_encoder.text(text_prompts), false);
  const MaskLosses text = mask_losses(masks.logits, geometry, batch);
  losses.drawn = masks.logits.detach();
  losses.dice = text.dice;
  losses.bce = text.bce;
  losses.total = losses.total + recipe.dice * text.dice + recipe.bce * text.bce;
  // Every other step, at twice the weight: the decoder is run a second time.
  if (recipe.prompted > 0 && random() % 2 == 0) {
    losses.prompted = prompted_loss(network, recipe, geometry, batch, images, masks.logits, random);
    losses.total = losses.total + 2 * recipe.prompted * losses.prompted;
  }
}

void add_image_label_loss(Losses& losses, const Recipe& recipe, const Linear& head, const at::Tensor& seen,
                          const Batch& batch) {
  const at::Tensor loss = at::cross_entropy_loss(head(seen), at::tensor(batch.image_labels, at::kLong));
  losses.image_label = losses.image_label + loss;
  losses.total = losses.total + recipe.image_label * loss;
}

// Everything about words. The text prompts of the <SEG> that the answers hold: (targets, channels).
at::Tensor add_language_losses(Losses& losses, const Network& network, const TrainingParts& parts,
                               const Recipe& recipe, const Batch& batch, std::int64_t seg_token) {
  const at::Tensor features =
      see_with_clip(network, batch.clip_pixels, parts.seen_by_clip.get());  // (B, grid², clip)
  add_image_label_loss(losses, recipe, parts.clip_label, features.mean(1), batch);
  const PackedTensors packed = pack_tensors(batch.prompts, network.config.image_tokens());
  const LanguageOutput language =
      network.language.forward(embed(network, features, batch), packed.positions, packed.mask);
  const Predictions predictions = labelled(language.hidden, packed.labels);
  losses.cross_entropy =
      at::cross_entropy_loss(network.language.logits(predictions.states), predictions.labels);
  losses.router = router_loss(language.routings);
  losses.total = losses.total + recipe.cross_entropy * (losses.cross_entropy + recipe.router * losses.router);
  const at::Tensor seg_rows = at::nonzero(predictions.labels == seg_token).squeeze(1);
  const at::Tensor prompts = network.seg_embedding(predictions.states.index_select(0, seg_rows));
  if (recipe.name_link > 0 && !batch.targets.empty()) {
    losses.name_link = at::mse_loss(prompts, name_prompts(parts, batch).detach());
    losses.total = losses.total + recipe.name_link * losses.name_link;
  }
  return prompts;
}

}  // namespace

TrainingParts::TrainingParts(const Scope& scope, const ModelConfig& config, const BatchMaker& batches)
    : clip_label(scope / "clip", config.clip.hidden, batches.image_label_count()),
      sam_label(scope / "sam", config.sam.channels, batches.image_label_count()) {
  for (const auto& name : batches.structures())
    names[name] = (scope / "names").take(name, {config.sam.channels}, Init::Normal);
}

Losses losses_of(const Network& network, const TrainingParts& parts, const Recipe& recipe,
                 MaskGeometry geometry, const Batch& batch, std::int64_t seg_token, Random& random) {
  Losses losses;
  losses.total = losses.cross_entropy = losses.dice = losses.bce = losses.prompted = losses.router =
      losses.image_label = losses.name_link = at::zeros({});
  at::Tensor prompts;
  if (recipe.stage != Stage::Grounding)
    prompts = add_language_losses(losses, network, parts, recipe, batch, seg_token);
  else
    prompts = name_prompts(parts, batch);
  if (recipe.stage == Stage::Language) return losses;
  const ImageEmbedding images = see_with_sam(network, batch.sam_pixels, parts.seen_by_sam.get());
  add_image_label_loss(losses, recipe, parts.sam_label, images.embedding.mean({2, 3}), batch);
  if (!batch.targets.empty())
    add_mask_losses(losses, network, recipe, geometry, batch, prompts, images, random);
  return losses;
}

}  // namespace medplib::core
