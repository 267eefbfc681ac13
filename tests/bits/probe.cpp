// What the network computes, as a line "name hash" for each stage: probe stages|training [cold]
//
// Processes that print other lines computed other bits. With "cold" the math library is not called before all
// else: ops/warm_up.h.
#include "image/geometry.h"
#include "model/device.h"
#include "ops/warm_up.h"
#include "support/golden_network.h"
#include "text/prompt.h"
#include "train/setup.h"
#include "train/small_training.h"
#include "vision/pixels.h"

#include <ATen/core/grad_mode.h>

#include <cstdio>
#include <cstring>

namespace medplib::test {
namespace {

void say(const std::string& name, const at::Tensor& value) {
  const at::Tensor plain = value.detach().contiguous();
  const auto* bytes = static_cast<const unsigned char*>(plain.const_data_ptr());
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  for (std::size_t i = 0; i < plain.nbytes(); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
  std::printf("%s %016llx\n", name.c_str(), static_cast<unsigned long long>(hash));
}

// The case in which the fault was found, where the golden set has it; else its first.
GoldenCase a_case() {
  const std::vector<GoldenCase> cases = golden_cases();
  for (const GoldenCase& golden : cases)
    if (golden.name.starts_with("c03")) return golden;
  return cases.at(0);
}

void say_stages() {
  const at::NoGradGuard no_gradients;
  const OpenCase given(a_case());
  const auto network = load_network(given.golden.checkpoint, given.config, at::kFloat, at::kCPU);
  const at::Tensor positions = network->prompt_encoder.image_positions();
  say("image_positions", positions);
  const at::Tensor features =
      network->clip(core::clip_pixels(given.image.rgb(), given.config.clip).unsqueeze(0));
  say("clip", features);
  const at::Tensor tokens = network->projector(features)[0];
  say("projector", tokens);
  const at::Tensor adapted = network->region.adapt(features[0]);
  std::vector<at::Tensor> regions;
  for (const core::Region& region : given.regions()) {
    const cv::Mat mask = region.rasterize(given.image.width(), given.image.height());
    const auto cells = core::region_grid(mask, static_cast<int>(given.config.clip.image_size),
                                         static_cast<int>(given.config.clip.grid()));
    regions.push_back(network->region(adapted, core::tensor_of(cells.cells)));
    say("region", regions.back());
  }
  const auto ids = given.fact<std::vector<std::int64_t>>("teacher_ids");
  const at::Tensor embeddings = network->embed_prompt(ids, {&tokens, 1}, regions).unsqueeze(0);
  core::KvCache cache(given.config.language, embeddings.size(1), embeddings.options());
  const core::Tap tap = [](std::string_view name, const at::Tensor& x) { say(std::string(name), x); };
  const core::LanguageOutput output = network->language.extend(embeddings, cache, tap);
  say("final_norm", output.hidden);
  for (const core::Routing& routing : output.routings) say("router", routing.logits);
  say("logits", network->language.logits(output.hidden));
  const at::Tensor rows =
      at::tensor(given.fact<std::vector<std::int64_t>>("seg_predicting_positions"), at::kLong);
  const at::Tensor seg = network->seg_embedding(output.hidden[0].index_select(0, rows));
  say("seg_embedding", seg);
  const core::ImageEmbedding image =
      network->sam_encoder(core::sam_pixels(given.image.rgb(), given.config.sam).unsqueeze(0));
  say("sam", image.embedding);
  const auto [low, iou] = network->mask_decoder(image, positions, network->prompt_encoder.text(seg), false);
  say("mask_logits", low);
  say("iou", iou);
}

// The losses and gradients of a first step of the golden model.
void say_training() {
  const SmallTraining small;
  const std::string model = (committed_goldens() / "ckpt" / "tiny_seg").string();
  core::TrainingSetup setup(small.recipe(), {"model=\"" + model + "\"", "start=[\"" + model + "\"]",
                                             "images_per_step=3", "focal=0.5", "iou=0.5", "prompted=1"});
  const core::Losses losses = core::backward(setup.trainee(), setup.batches.batch(0), /*seed=*/1);
  say("loss", losses.total);
  core::for_each_loss([&](core::LossKey key, const core::LossRow& row) { say(row.key, losses[key]); });
  for (const auto& [name, value] : setup.parameters.trained())
    if (value.grad().defined()) say(name, value.grad());
}

}  // namespace
}  // namespace medplib::test

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (argc > 2 && std::strcmp(argv[2], "cold") == 0) medplib::core::leave_math_cold();
  if (what == "stages") medplib::test::say_stages();
  if (what == "training") medplib::test::say_training();
  return what == "stages" || what == "training" ? 0 : 2;
}
