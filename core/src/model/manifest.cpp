#include "model/manifest.h"

#include "base/files.h"
#include "base/paths.h"
#include "weights/checkpoint.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <system_error>

namespace medplib::core {

namespace fs = std::filesystem;

namespace {

constexpr const char* manifest_file = "medplib.json";
constexpr int format_version = 1;

MaskGeometry mask_geometry(const std::string& name, const std::string& where) {
  for (const auto& [geometry, its_name] : Names<MaskGeometry>::all)
    if (name == its_name) return geometry;
  fail(ErrorCode::Format, "\"mask_geometry\" in ", where, " is '", name,
       "'; \"reference\" or \"centered\" is expected.");
}

void check_version(const Json& json, const std::string& where) {
  const auto version = required<Json>(json, "format_version", where);
  if (!version.is_number_integer()) fail_json("format_version", where, "is not a whole number");
  if (version != format_version)
    fail(ErrorCode::Version, where, " has format version ", version.dump(), "; this engine reads version ",
         format_version, ". Use the engine that the model was made with, or a newer one.");
}

Json trained_on(const Json& json, const std::string& where) {
  auto sets = optional_or(json, "trained_on", Json::array(), where);
  const auto fits = [](const Json& set) { return set.is_string() || set.is_object(); };
  if (!sets.is_array() || !std::all_of(sets.begin(), sets.end(), fits))
    fail_json("trained_on", where, "is not a list of texts or objects");
  return sets;
}

std::optional<std::string> optional_text(const Json& json, const char* key, const std::string& where) {
  if (!json.contains(key)) return std::nullopt;
  return required<std::string>(json, key, where);
}

double threshold(const Json& json, double otherwise, const std::string& where) {
  const auto value = optional_or(json, "threshold", otherwise, where);
  if (!(value >= 0 && value <= 1)) fail_json("threshold", where, "is not between 0 and 1");
  return value;
}

}  // namespace

Manifest read_manifest(const fs::path& folder) {
  Manifest manifest;
  const fs::path path = folder / manifest_file;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return manifest;
  const std::string where = path.string();
  const Json json = read_json(path);
  check_version(json, where);
  manifest.name = optional_or(json, "name", manifest.name, where);
  manifest.stage = optional_or(json, "stage", manifest.stage, where);
  manifest.licence = optional_or(json, "licence", manifest.licence, where);
  manifest.conversation_template =
      optional_or(json, "conversation_template", manifest.conversation_template, where);
  manifest.mask_geometry = mask_geometry(
      optional_or<std::string>(json, "mask_geometry", to_text(manifest.mask_geometry), where), where);
  manifest.threshold = threshold(json, manifest.threshold, where);
  manifest.trained_on = trained_on(json, where);
  manifest.made_from = optional_or(json, "made_from", manifest.made_from, where);
  manifest.trained_for = optional_or(json, "trained_for", manifest.trained_for, where);
  const auto templates = optional_or(json, "templates", Json::object(), where);
  if (!templates.is_object()) fail_json("templates", where, "is not an object");
  manifest.segment_template = optional_text(templates, "segment", where);
  manifest.describe_template = optional_text(templates, "describe", where);
  manifest.refine = optional_or(json, "refine", manifest.refine, where);
  manifest.multimask = optional_or(json, "several", manifest.multimask, where);
  manifest.segment_in_region = optional_or(json, "segment_in_region", manifest.segment_in_region, where);
  manifest.iou_estimate = optional_or(json, "iou_estimate", manifest.iou_estimate, where);
  manifest.lower_case_phrases = optional_or(json, "lower_case_phrases", manifest.lower_case_phrases, where);
  manifest.files = optional_or(json, "files", manifest.files, where);
  return manifest;
}

std::string identity_of_model(const fs::path& folder) {
  if (fs::exists(folder / manifest_file)) return sha256_of_file(folder / manifest_file);
  std::string text = read_file(folder / "config.json");
  for (const TensorSummary& tensor : Checkpoint(folder).tensors())
    text += text_of(tensor.name, ' ', c10::toString(tensor.dtype), c10::IntArrayRef(tensor.shape), '\n');
  return sha256_of(text);
}

Json made_from(const std::vector<fs::path>& models) {
  Json list = Json::array();
  for (const fs::path& folder : models)
    list.push_back({{"stage", read_manifest(folder).stage}, {"sha256", identity_of_model(folder)}});
  return list;
}

void write_manifest(const fs::path& folder, const Manifest& manifest) {
  Json templates = Json::object();
  if (manifest.segment_template) templates["segment"] = *manifest.segment_template;
  if (manifest.describe_template) templates["describe"] = *manifest.describe_template;
  Json json = {
      {"format_version", format_version},
      {"name", manifest.name},
      {"stage", manifest.stage},
      {"licence", manifest.licence},
      {"conversation_template", manifest.conversation_template},
      {"mask_geometry", to_text(manifest.mask_geometry)},
      {"threshold", manifest.threshold},
      {"trained_on", manifest.trained_on},
      {"trained_for", manifest.trained_for},
      {"templates", templates},
      {"refine", manifest.refine},
      {"several", manifest.multimask},
      {"segment_in_region", manifest.segment_in_region},
      {"iou_estimate", manifest.iou_estimate},
      {"lower_case_phrases", manifest.lower_case_phrases},
      {"files", manifest.files},
  };
  if (!manifest.made_from.empty()) json["made_from"] = manifest.made_from;
  write_file(folder / manifest_file, json.dump(2) + "\n");
}

std::map<std::string, std::string> hash_files(const fs::path& folder, const std::function<void()>& between) {
  std::map<std::string, std::string> hashes;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name == manifest_file || name.starts_with(".")) continue;
    hashes.emplace(name, sha256_of_file(entry.path(), between));
  }
  return hashes;
}

namespace {

// Whether an engine reads a file of this name from a model folder.
bool is_read(const std::string& name) {
  return name == "config.json" || name == "added_tokens.json" || name.starts_with("tokenizer") ||
         name.find(".safetensors") != std::string::npos;
}

}  // namespace

std::vector<std::string> verify_files(const fs::path& folder, const Manifest& manifest,
                                      const std::function<void()>& between) {
  const std::string where = (folder / manifest_file).string();
  std::vector<std::string> problems;
  for (const auto& [name, expected] : manifest.files) {
    between();
    try {
      const std::string found = sha256_of_file(path_inside(folder, name, where), between);
      if (found != expected)
        problems.push_back(
            text_of(name, " has the SHA-256 ", found, ", but ", where, " says ", expected, "."));
    } catch (const Error& error) {
      if (is_of_the_call(error)) throw;
      problems.emplace_back(error.what());
    }
  }
  std::error_code ignored;
  if (!fs::exists(folder / manifest_file, ignored)) return problems;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (is_read(name) && !manifest.files.contains(name))
      problems.push_back(text_of(name, " has no SHA-256 in ", where, "."));
  }
  return problems;
}

}  // namespace medplib::core
