#include "generate/draw.h"

#include "generate/not_finite.h"
#include "vision/mask_geometry.h"
#include "vision/pixels.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace medplib::core {

namespace {

constexpr double kMostLogit = 30;  // a mask from elsewhere may hold infinities

Mask finished(const LoadedModel& model, const EncodedImage& image, const at::Tensor& low,
              const at::Tensor& iou, const std::string& label, double threshold) {
  if (!at::isfinite(low).all().item<bool>() || !at::isfinite(iou).item<bool>()) fail_not_finite();
  const at::Tensor logits = masks_at_image_size(low.view({1, 1, low.size(0), low.size(1)}),
                                                model.facts.manifest.mask_geometry, image.sam_box());
  Mask mask(picture_of(logits[0][0].cpu()), label, threshold);
  if (model.facts.manifest.iou_estimate) mask.iou_estimate = iou.item<double>();
  return mask;
}

void check_size(const Mask& mask, const Image& image) {
  if (mask.width() != image.width() || mask.height() != image.height())
    fail(ErrorCode::InvalidArgument, "The mask to refine has ", mask.width(), " × ", mask.height(),
         " pixels, but the image has ", image.width(), " × ", image.height(), ".");
}

void check_click(const Click& click, const Image& image) {
  const bool on_image = click.x >= -0.5 && click.y >= -0.5 && click.x <= image.width() - 0.5 &&
                        click.y <= image.height() - 0.5;  // false for NaN
  if (!on_image)
    fail(ErrorCode::InvalidArgument, "The click at (", click.x, ", ", click.y, ") lies outside the image of ",
         image.width(), " × ", image.height(), " pixels.");
}

void add_clicks(MaskPrompt& prompt, const std::vector<Click>& clicks, const EncodedImage& image) {
  std::vector<float> places;
  std::vector<std::int64_t> labels;
  for (const Click& click : clicks) {
    check_click(click, image.image());
    const Place place = place_in_input(click.x, click.y, image.sam_box());
    places.push_back(static_cast<float>(place.x));
    places.push_back(static_cast<float>(place.y));
    labels.push_back(click.inside ? 1 : 0);
  }
  if (clicks.empty()) return;
  prompt.points = at::tensor(places, at::kFloat).view({-1, 2});
  prompt.labels = at::tensor(labels, at::kLong);
}

// The part of it that lies on the image.
void add_box(MaskPrompt& prompt, const Region& region, const EncodedImage& image) {
  const auto* box = std::get_if<Region::Box>(&region.shape());
  if (box == nullptr)
    fail(ErrorCode::InvalidArgument, "Only a box can guide refine, but the region is ", region.describe(),
         ".");
  const double right = image.image().width() - 0.5, bottom = image.image().height() - 0.5;
  const Place first = place_in_input(std::max(box->x0, -0.5), std::max(box->y0, -0.5), image.sam_box());
  const Place last = place_in_input(std::min(box->x1, right), std::min(box->y1, bottom), image.sam_box());
  prompt.box = at::tensor({first.x, first.y, last.x, last.y}, at::kFloat);
}

// What is to be told of the image, clicks and box. Errors: InvalidArgument: the box lies beside the image.
std::vector<std::string> warnings_of(const Image& image, const std::vector<Click>& clicks,
                                     const std::optional<Region>& box) {
  std::vector<std::string> warnings = image.origin().warnings;
  std::vector<cv::Point2d> places;
  for (const Click& click : clicks) places.emplace_back(click.x, click.y);
  if (look_like_fractions(places, image.rgb().size()))
    warnings.push_back(text_of("The click at (", places.front().x, ", ", places.front().y, ") ",
                               remark_of_fractions(image.rgb().size())));
  if (box)
    std::ranges::copy(box->warnings(box->rasterize(image.width(), image.height())),
                      std::back_inserter(warnings));
  return warnings;
}

void add_mask(MaskPrompt& prompt, const Mask& mask, const LoadedModel& model, const EncodedImage& image) {
  check_size(mask, image.image());
  const at::Tensor logits = at::nan_to_num(tensor_of(mask.logits()), 0).clamp(-kMostLogit, kMostLogit);
  prompt.mask = masks_at_low_resolution(logits.view({1, 1, mask.height(), mask.width()}),
                                        model.facts.manifest.mask_geometry, image.sam_box(),
                                        model.facts.config.sam.low_resolution())[0];
}

at::Tensor low_resolution_mask(const cv::Mat& logits, std::int64_t side) {
  if (logits.rows != side || logits.cols != side || logits.type() != CV_32FC1)
    fail(ErrorCode::InvalidArgument, "The low-resolution mask has ", logits.cols, " × ", logits.rows,
         " logits, but this model's have ", side, " × ", side, ": give one that predict returned.");
  return at::nan_to_num(tensor_of(logits), 0).clamp(-kMostLogit, kMostLogit).unsqueeze(0);
}

// What clicks and a box say; an earlier mask may come on top.
MaskPrompt prompt_of(const std::vector<Click>& clicks, const std::optional<Region>& box,
                     const EncodedImage& image) {
  MaskPrompt prompt;
  add_clicks(prompt, clicks, image);
  if (box) add_box(prompt, *box, image);
  return prompt;
}

MaskPrompt on_device(const MaskPrompt& prompt, const LoadedModel& model) {
  const auto moved = [&](const at::Tensor& t) { return t.defined() ? t.to(model.device) : t; };
  return {.points = moved(prompt.points),
          .labels = moved(prompt.labels),
          .box = moved(prompt.box),
          .text = {},
          .mask = moved(prompt.mask)};
}

DecodedMasks decode(const LoadedModel& model, EncodedImage& image, const MaskPrompt& prompt, bool multimask,
                    const Interrupt& interrupt) {
  const ImageEmbedding& embedding = image.embedding(interrupt.tap());
  interrupt.before("masks");
  return model.network.mask_decoder(embedding, model.image_positions,
                                    model.network.prompt_encoder(on_device(prompt, model)), multimask);
}

}  // namespace

std::vector<Mask> draw_states(const LoadedModel& model, EncodedImage& image,
                              const std::vector<StateToDraw>& states, const std::string& label,
                              double threshold, const Interrupt& interrupt) {
  std::vector<Mask> masks;
  if (states.empty()) return masks;
  std::vector<at::Tensor> rows;
  rows.reserve(states.size());
  for (const StateToDraw& row : states) rows.push_back(row.state);
  const Network& network = model.network;
  const at::Tensor prompts = network.seg_embedding(at::stack(rows));  // (n, channels)
  const ImageEmbedding& embedding = image.embedding(interrupt.tap());
  interrupt.before("masks");
  const DecodedMasks decoded =
      network.mask_decoder(embedding, model.image_positions, network.prompt_encoder.text(prompts), false);
  for (std::size_t i = 0; i < states.size(); ++i) {
    interrupt.check();
    const auto row = static_cast<std::int64_t>(i);
    masks.push_back(finished(model, image, decoded.logits[row][0], decoded.iou[row][0], label, threshold));
    masks.back().presence = states[i].presence;
    const at::Tensor prompt = prompts[row].cpu().contiguous();
    masks.back().embedding.assign(prompt.const_data_ptr<float>(),
                                  prompt.const_data_ptr<float>() + prompt.numel());
  }
  return masks;
}

Mask draw_prompted(const LoadedModel& model, EncodedImage& image, const std::optional<Mask>& earlier,
                   const std::vector<Click>& clicks, const std::optional<Region>& box, double threshold,
                   const Interrupt& interrupt) {
  if (clicks.empty() && !box)
    fail(ErrorCode::InvalidArgument, "A click or a box is needed, to know what is meant.");
  MaskPrompt prompt = prompt_of(clicks, box, image);
  std::vector<std::string> warnings = warnings_of(image.image(), clicks, box);
  if (earlier) add_mask(prompt, *earlier, model, image);
  const DecodedMasks decoded = decode(model, image, prompt, false, interrupt);
  Mask drawn = finished(model, image, decoded.logits[0][0], decoded.iou[0][0],
                        earlier ? earlier->label() : "", threshold);
  drawn.warnings = std::move(warnings);
  // A mask that the decoder drew came with its warnings; one that was drawn by hand has them still to tell.
  if (earlier && earlier->by_hand()) std::ranges::copy(earlier->warnings, std::back_inserter(drawn.warnings));
  return drawn;
}

std::vector<Prediction> draw_predictions(const LoadedModel& model, EncodedImage& image,
                                         const std::vector<Click>& clicks, const std::optional<Region>& box,
                                         const cv::Mat& low_resolution, bool multimask,
                                         const Interrupt& interrupt) {
  if (clicks.empty() && !box && low_resolution.empty())
    fail(ErrorCode::InvalidArgument, "A click, a box or an earlier mask is needed, to know what is meant.");
  MaskPrompt prompt = prompt_of(clicks, box, image);
  const std::vector<std::string> warnings = warnings_of(image.image(), clicks, box);
  if (!low_resolution.empty())
    prompt.mask = low_resolution_mask(low_resolution, model.facts.config.sam.low_resolution());
  const Manifest& manifest = model.facts.manifest;
  const DecodedMasks decoded = decode(model, image, prompt, multimask && manifest.multimask, interrupt);
  std::vector<Prediction> predictions;
  for (std::int64_t i = 0; i < decoded.logits.size(1); ++i) {
    interrupt.check();
    const at::Tensor low = decoded.logits[0][i];
    predictions.push_back(
        {finished(model, image, low, decoded.iou[0][i], "", manifest.threshold), picture_of(low.cpu())});
    predictions.back().mask.warnings = warnings;
  }
  return predictions;
}

}  // namespace medplib::core
