// The stages of the published training (docs/model.md, Training numerics): what each starts from, and who
// makes that.
#pragma once

#include <medplib/core/names.h>

#include <filesystem>
#include <vector>

namespace medplib::core {

enum class Stage {
  Alignment,        // I: the projector learns to speak to the language model
  LanguageExpert,   // II: what answers, about whole images and regions
  GroundingExpert,  // III: what draws
  Experts,          // IV: both, joined by a router
};

template <>
struct Names<Stage> {
  static constexpr const char* kind = "stage";
  static constexpr NameTable<Stage, 4> all = {{{Stage::Alignment, "alignment"},
                                               {Stage::LanguageExpert, "language-expert"},
                                               {Stage::GroundingExpert, "grounding-expert"},
                                               {Stage::Experts, "experts"}}};
};

// That a stage's training starts from what it needs: the last of `start` is a model folder whose manifest
// says that it is that. Any model will do for the first stage. Errors: NotFound and Format, of Subject::Data,
// with the command that makes what is missing.
void check_start(Stage stage, const std::vector<std::filesystem::path>& start);

}  // namespace medplib::core
