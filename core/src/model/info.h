// What a model is made of and what it needs, from its configuration, manifest and headers.
#pragma once

#include "model/folder.h"
#include "weights/checkpoint.h"

#include <medplib/core/model.h>

namespace medplib::core {

// Tokens of a session by default, and at most.
std::int64_t default_context(const LanguageConfig& config);

inline c10::ScalarType dtype_of(Precision precision) {
  return precision == Precision::BFloat16 ? c10::ScalarType::BFloat16 : c10::ScalarType::Float;
}

// What inspect tells of a folder whose headers are open, at this precision.
ModelInfo model_info(const FolderFacts& facts, const Checkpoint& checkpoint, Precision precision);

}  // namespace medplib::core
