#include "train/model_folder.h"

#include "base/files.h"
#include "train/patterns.h"
#include "weights/checkpoint.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <unistd.h>

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

// Puts `fresh` in the place of `folder`.
void replace(const fs::path& folder, const fs::path& fresh) {
  const fs::path old = fresh.string() + ".old";
  std::error_code failed;
  const bool was_there = fs::exists(folder, failed);
  if (was_there) fs::rename(folder, old, failed);
  if (!failed) fs::rename(fresh, folder, failed);
  if (failed) {
    const std::string reason = failed.message();
    if (!fs::exists(folder, failed)) fs::rename(old, folder, failed);  // what stood there stays
    fail(ErrorCode::Io, folder, " cannot be replaced: ", reason, ".");
  }
  if (was_there) fs::remove_all(old, failed);
}

}  // namespace

void write_model(const TrainingSetup& setup, const NamedTensors& averaged, const fs::path& folder) {
  const fs::path fresh = folder.string() + text_of(".part", ::getpid());
  try {
    fs::create_directories(fresh);
    save_checkpoint(fresh, setup.parameters.model(averaged), setup.recipe.storage);
    const auto copy = [&](const char* name) {
      write_file(fresh / name, read_file(setup.recipe.model / name));
    };
    copy("config.json");
    copy("tokenizer.model");
    for (const char* name : {"added_tokens.json", "tokenizer_config.json"})  // one is enough
      if (fs::exists(setup.recipe.model / name)) copy(name);
    Manifest manifest = setup.facts.manifest;
    manifest.iou_estimate = knows_iou(setup);
    if (setup.recipe.stage) {
      manifest.stage = to_text(*setup.recipe.stage);
      manifest.made_from = made_from(setup.recipe.start);
    }
    manifest.files = hash_files(fresh);
    write_manifest(fresh, manifest);
    replace(folder, fresh);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(fresh, ignored);
    throw;
  }
}

}  // namespace medplib::core
