#include "train/stages.h"

#include "model/manifest.h"
#include "train/starting_values.h"

#include <medplib/core/error.h>
#include <medplib/core/experts.h>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

// What a stage starts from, as the manifest of that says it, and how it is made.
struct Predecessor {
  std::string is;  // empty: any model
  std::string made_by;
};

Predecessor predecessor_of(Stage stage) {
  switch (stage) {
    case Stage::Alignment:
      return {};
    case Stage::LanguageExpert:
      return {to_text(Stage::Alignment), "medplib train with a recipe of stage alignment (stage1.json)"};
    case Stage::GroundingExpert:
      return {to_text(Stage::LanguageExpert),
              "medplib train with a recipe of stage language-expert (stage2.json)"};
    case Stage::Experts:
      return {kJoinedExperts,
              "medplib experts --from GROUNDING/model,LANGUAGE/model, of what stages grounding-expert "
              "(stage3.json) and language-expert (stage2.json) write"};
  }
  return {};
}

}  // namespace

void check_start(Stage stage, const std::vector<fs::path>& start) {
  const Predecessor before = predecessor_of(stage);
  if (before.is.empty()) return;
  const std::string how = text_of(" It is made by ", before.made_by, ".");
  const auto refuse = [&](ErrorCode code, const auto&... parts) {
    Error error(code, text_of(parts..., how));
    error.set_subject(Subject::Data);
    throw error;
  };
  const std::string name = to_text(stage);
  if (start.empty())
    refuse(ErrorCode::Format, "Stage ", name, " needs a \"start\": a model of stage ", before.is, ".");
  const fs::path& folder = start.back();
  if (!fs::exists(folder))
    refuse(ErrorCode::NotFound, "Stage ", name, " starts from ", folder, ", which isn't there.");
  if (fs::exists(folder / kCheckpoint))
    refuse(ErrorCode::Format, "Stage ", name, " starts from a model, but ", folder,
           " is a training's output: name ", folder / "model", ".");
  const std::string is = read_manifest(folder).stage;
  if (is != before.is)
    refuse(ErrorCode::Format, "Stage ", name, " starts from a model of stage ", before.is, ", but ", folder,
           is.empty() ? " doesn't say of what stage it is." : text_of(" is of stage \"", is, "\"."));
}

}  // namespace medplib::core
