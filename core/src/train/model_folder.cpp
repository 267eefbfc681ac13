#include "train/model_folder.h"

#include "base/files.h"
#include "model/write_folder.h"
#include "train/patterns.h"
#include "weights/checkpoint.h"

#include <algorithm>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

// Whether the mask decoder was taught to estimate its IoU: by this training, or by what it started from.
bool knows_iou(const TrainingSetup& setup) {
  if (setup.recipe.weight["iou"] > 0 && setup.recipe.objective != Objective::Language) return true;
  const bool given = std::ranges::any_of(setup.parameters.all(), [](const Parameter& parameter) {
    return parameter.from == ValueFrom::Start && matches(parameter.name, "sam.decoder.iou_head");
  });
  return given && setup.facts.manifest.iou_estimate;
}

}  // namespace

void write_model(const TrainingSetup& setup, const NamedTensors& averaged, const fs::path& folder) {
  write_folder(folder, [&](const fs::path& fresh) {
    save_checkpoint(fresh, setup.parameters.model(averaged), setup.recipe.storage);
    write_file(fresh / "config.json", read_file(setup.recipe.model / "config.json"));
    copy_tokenizer(setup.recipe.model, fresh);
    Manifest manifest = setup.facts.manifest;
    manifest.iou_estimate = knows_iou(setup);
    if (setup.recipe.stage) {
      manifest.stage = to_text(*setup.recipe.stage);
      manifest.made_from = made_from(setup.recipe.start);
    }
    manifest.files = hash_files(fresh);
    write_manifest(fresh, manifest);
  });
}

}  // namespace medplib::core
