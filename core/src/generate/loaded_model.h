// What Model stands for: everything that a folder holds, on its device. Read by all sessions, changed by
// none.
#pragma once

#include "nn/medplib.h"
#include "text/prompt.h"
#include "text/tokenizer.h"
#include "weights/checkpoint.h"
#include "weights/manifest.h"

#include <medplib/core/model.h>

#include <c10/core/Device.h>

namespace medplib::core {

// A model folder but for its weights: read, and checked against itself.
struct FolderFacts {
  // Errors: as Model::load.
  explicit FolderFacts(std::filesystem::path folder);

  std::filesystem::path folder;
  ModelConfig config;
  Manifest manifest;
  Tokenizer tokenizer;
  ConversationTemplate conversation;
  VerbTemplates verbs;
};

struct LoadedModel {
  FolderFacts facts;
  Precision precision;
  c10::Device device;
  c10::ScalarType dtype;
  ModelInfo info;
  Network network;
  at::Tensor image_positions;  // (channels, g, g), of the mask decoder

  at::TensorOptions options() const { return at::TensorOptions(dtype).device(device); }
};

std::shared_ptr<const LoadedModel> load_model(const std::filesystem::path& folder,
                                              const LoadOptions& options);

// Tokens of a session by default, and at most.
std::int64_t default_context(const LanguageConfig& config);

// What inspect tells of a folder whose headers are open.
ModelInfo model_info(const FolderFacts& facts, const Checkpoint& checkpoint, Precision precision);

}  // namespace medplib::core
