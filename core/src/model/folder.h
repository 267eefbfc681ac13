// A model folder but for its weights.
#pragma once

#include "model/manifest.h"
#include "nn/config.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

#include <filesystem>

namespace medplib::core {

// What a folder holds beside its weights: read, and checked against itself.
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

}  // namespace medplib::core
