// medplib.json: what a model folder says of itself that config.json has no place for.
#pragma once

#include "base/json.h"
#include "nn/config.h"

#include <medplib/core/error.h>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace medplib::core {

// The defaults are those of a published folder, which has no manifest.
struct Manifest {
  std::string name, stage, licence;                 // empty: not said
  std::string conversation_template = "vicuna_v1";  // as text/prompt.h names them
  MaskGeometry mask_geometry = MaskGeometry::Reference;
  double threshold = 0.1;           // inside is sigmoid(logit) > threshold: the published evaluation's value
  Json trained_on = Json::array();  // texts or objects, one a data set
  Json made_from = Json::array();   // of each folder that its training started from: stage and sha256
  std::string trained_for;          // what it may be used for, in words
  std::optional<std::string>
      segment_template;  // "templates": what the verbs send; absent: the engine's own wording
  std::optional<std::string> describe_template;
  bool refine = true;                        // the mask decoder follows clicks well enough
  bool multimask = true;                     // "several": and with several guesses at what a click means
  bool segment_in_region = true;             // it was taught to draw what a phrase names within a region
  bool iou_estimate = true;                  // its mask decoder was taught to estimate its IoU
  bool lower_case_phrases = false;           // it knows names in lower case: `segment` asks for them so
  std::map<std::string, std::string> files;  // name under the folder → SHA-256
};

// FOLDER/medplib.json, or the defaults when there is none. Errors: Io, Format, Version (written for another
// format version).
Manifest read_manifest(const std::filesystem::path& folder);

// What a model's weights and configuration were when it was read, as a SHA-256: of its manifest, which has
// that of each of its files; or, without one, of its configuration and the headers of its weights. Errors:
// as Checkpoint.
std::string identity_of_model(const std::filesystem::path& folder);

// For the manifest of what is made from these models: the stage and the identity of each.
Json made_from(const std::vector<std::filesystem::path>& models);

// Writes FOLDER/medplib.json. Errors: Io.
void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

// Returns the hashes of the folder's files as they are now, except the manifest and hidden files. `between`
// is called before each block that is read, and may end it by throwing.
std::map<std::string, std::string> hash_files(
    const std::filesystem::path& folder, const std::function<void()>& between = [] {});

// Returns whether an error is about the call, not the folder: it was cancelled, or memory ran out.
inline bool is_of_the_call(const Error& error) {
  return error.code() == ErrorCode::Cancelled || error.code() == ErrorCode::OutOfHostMemory;
}

// Returns one sentence for each file of the manifest that is missing, has another hash or lies outside the
// folder, and for each file of a model that a manifest there has no hash for; none when all is well.
// `between` is called before each block that is read, and what it throws as Cancelled ends it.
std::vector<std::string> verify_files(
    const std::filesystem::path& folder, const Manifest& manifest,
    const std::function<void()>& between = [] {});

}  // namespace medplib::core
