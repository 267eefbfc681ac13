// What a model is made of and what it needs, from its configuration, manifest and headers.
#pragma once

#include "model/folder.h"
#include "weights/checkpoint.h"

#include <medplib/core/model.h>

namespace medplib::core {

// Tokens of a session by default, and at most.
std::int64_t default_context(const LanguageConfig& config);

// What inspect tells of a folder whose headers are open.
ModelInfo model_info(const FolderFacts& facts, const Checkpoint& checkpoint, Precision precision);

}  // namespace medplib::core
