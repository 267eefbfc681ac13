#include "train/validation.h"

#include "base/files.h"
#include "base/log.h"
#include "model/subject.h"
#include "nn/routing.h"
#include "train/usable.h"
#include "vision/pixels.h"

#include <medplib/core/eval.h>
#include <medplib/core/mask.h>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kOverlays = 4;

// What is judged is computed all the same.
Recipe without_weights(Recipe recipe) {
  recipe.weight = {};
  return recipe;
}

std::string step_name(std::int64_t step) {
  std::ostringstream name;
  name << std::setw(7) << std::setfill('0') << step;
  return name.str();
}

std::vector<ImageRecords> read_validation(const Recipe& recipe, const std::set<std::string>& structures,
                                          const FolderFacts& model) {
  const auto usable = [&](const Record& record) {
    return recipe.objective != Objective::Grounding ||
           (!record.masks.empty() && structures.contains(record.structure));
  };
  std::vector<ImageRecords> images = read_records(recipe.validate, recipe.images);
  need_files(images);
  const std::int64_t dropped = drop_unlearnable(images, model);
  std::size_t with_masks = 0, without = 0;
  for (auto& image : images) {
    std::erase_if(image.records, [&](const Record& record) { return !usable(record); });
    for (const auto& record : image.records) ++(record.masks.empty() ? without : with_masks);
  }
  const auto most = static_cast<std::size_t>(recipe.validate_samples);
  std::size_t index_with = 0, index_without = 0;
  for (auto& image : images)
    std::erase_if(image.records, [&](const Record& record) {
      return record.masks.empty() ? !is_chosen_evenly(index_without++, without, most)
                                  : !is_chosen_evenly(index_with++, with_masks, most);
    });
  std::erase_if(images, [](const ImageRecords& image) { return image.records.empty(); });
  if (images.empty())
    fail(ErrorCode::Format, recipe.validate, " holds no record that this objective can be judged by.",
         dropped == 0 ? "" : text_of(" ", dropped, " were left out: ", kUnlearnable, "."));
  if (dropped > 0)
    log(LogLevel::Warning, dropped, " records of ", recipe.validate, " are left out: ", kUnlearnable, ".");
  return images;
}

}  // namespace

std::vector<ImageRecords> validation_records(const Recipe& recipe, const std::set<std::string>& structures,
                                             const FolderFacts& model) {
  return reading(Subject::Data, [&] { return read_validation(recipe, structures, model); });
}

// Over what has been judged so far.
struct Validation::Sums {
  double iou = 0, dice = 0, cross_entropy = 0;
  std::int64_t masks = 0, tokens = 0;
  RoutingByKind routing;

  void add_mask(const Overlap& overlap) {
    iou += overlap.iou();
    dice += overlap.dice();
    ++masks;
  }
};

Validation::Validation(TrainingSetup& setup, const NamedTensors& averaged)
    : setup_(setup),
      recipe_(without_weights(setup.recipe)),
      images_(validation_records(recipe_, setup.batches.structures(), setup.facts)),
      network_([&] {
        ParameterSet::With weights = setup.parameters.with(averaged);
        return Network(weights, setup.facts.config);
      }()),
      parts_([&] {
        ParameterSet::With weights = setup.parameters.with(averaged);
        return TrainingParts(Scope(weights, kTrainingOnly), setup.facts.config,
                             setup.batches.image_label_count(), setup.batches.structures());
      }()) {
  parts_.clip_cache = setup.parts.clip_cache;
  parts_.sam_cache = setup.parts.sam_cache;
  const auto has_masks = [](const ImageRecords& image) {
    return std::ranges::any_of(image.records, [](const Record& record) { return !record.masks.empty(); });
  };
  if (recipe_.objective == Objective::Language) return;
  const auto with_masks = static_cast<std::size_t>(std::ranges::count_if(images_, has_masks));
  std::size_t index = 0;
  for (std::size_t i = 0; i < images_.size(); ++i)
    if (has_masks(images_[i]) && is_chosen_evenly(index++, with_masks, kOverlays)) overlaid_.push_back(i);
}

TrainValidation Validation::run(std::int64_t step, const fs::path& overlays,
                                const std::function<void()>& between) {
  const c10::NoGradGuard no_grad;
  Sums sums;
  for (std::size_t i = 0; i < images_.size(); ++i) {
    between();
    const auto found = std::ranges::find(overlaid_, i);
    const std::string name =
        text_of("image", found - overlaid_.begin() + 1, "-step", step_name(step), ".png");
    judge(images_[i], sums, found == overlaid_.end() ? fs::path() : overlays / name);
  }
  TrainValidation result{.step = step, .masks = sums.masks, .answer_tokens = sums.tokens};
  if (sums.masks > 0) {
    result.giou = sums.iou / static_cast<double>(sums.masks);
    result.dice = sums.dice / static_cast<double>(sums.masks);
  }
  result.routing = std::move(sums.routing);
  if (sums.tokens > 0) result.cross_entropy = sums.cross_entropy / static_cast<double>(sums.tokens);
  return result;
}

void Validation::judge(const ImageRecords& image, Sums& sums, const fs::path& overlay) {
  const Batch batch = setup_.batches.plain(image);
  if (batch.prompts.empty()) return;
  const Trainee trainee{.network = network_,
                        .parts = parts_,
                        .recipe = recipe_,
                        .geometry = setup_.facts.manifest.mask_geometry,
                        .seg_token = setup_.facts.tokenizer.added("<SEG>")};
  const BatchCounts counts = counts_of(batch);
  const Forward pass = forward(trainee, batch, counts, /*seed=*/0);
  if (recipe_.objective != Objective::Grounding) {
    sums.cross_entropy += pass.losses["cross_entropy"].item<double>() * static_cast<double>(counts.tokens);
    sums.tokens += counts.tokens;
    count_routing(batch, pass.language, sums.routing);
  }
  if (pass.mask_logits.empty()) return;
  std::vector<Mask> masks;
  std::vector<cv::Mat> truths;
  for (std::size_t i = 0; i < batch.targets.size(); ++i) {
    const MaskTarget& target = batch.targets[i];
    masks.emplace_back(picture_of(pass.mask_logits[i]), target.structure, setup_.facts.manifest.threshold);
    truths.push_back(picture_of(target.inside) > 0);
    const bool drawn_at_all =
        !pass.predicts_seg.defined() || pass.predicts_seg[static_cast<std::int64_t>(i)].item<bool>();
    const cv::Mat drawn = masks.back().binary() > 0;
    sums.add_mask(
        overlap_of(drawn_at_all ? drawn : cv::Mat::zeros(drawn.size(), drawn.type()), truths.back()));
  }
  if (overlay.empty()) return;
  fs::create_directories(overlay.parent_path());
  write_file(overlay, overlay_png(Image::read(image.image), masks, truths));
}

// The rows that fill up the shorter sequences count nowhere.
void Validation::count_routing(const Batch& batch, const LanguageOutput& language, RoutingByKind& sum) const {
  const std::int64_t rows = language.hidden.size(1);
  std::vector<std::int64_t> experts;
  for (const Routing& routing : language.routings) experts.push_back(routing.logits.size(1));
  for (std::size_t i = 0; i < batch.prompts.size(); ++i) {
    const PackedPrompt& prompt = batch.prompts[i];
    const std::vector<TokenKind> kinds = kinds_of(
        prompt.ids, prompt.labels, setup_.facts.config.image_tokens(), setup_.facts.tokenizer.added("<SEG>"));
    std::vector<at::Tensor> chosen;
    for (const Routing& routing : language.routings)
      chosen.push_back(routing.experts.narrow(0, static_cast<std::int64_t>(i) * rows, rows));
    add_routing(sum, count_by_kind(kinds, chosen, experts));
  }
}

Json json_of(const TrainValidation& result) {
  Json line{{"step", result.step}};
  Json& validation = line["validation"];
  if (result.masks > 0)
    validation.update({{"giou", result.giou}, {"dice", result.dice}, {"masks", result.masks}});
  if (result.answer_tokens > 0)
    validation.update({{"cross_entropy", result.cross_entropy}, {"answer_tokens", result.answer_tokens}});
  if (!result.routing.empty()) validation["routing"] = json_of(result.routing);
  return line;
}

double score(const TrainValidation& result) { return result.masks > 0 ? result.giou : -result.cross_entropy; }

}  // namespace medplib::core
