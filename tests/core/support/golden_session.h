// Golden cases as a user asks them: by Model and Session.
#pragma once

#include "support/golden_network.h"
#include "support/temporary_folder.h"
#include "support/thrown.h"

#include <medplib/core/model.h>
#include <medplib/core/session.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

namespace medplib::test {

// A copy of a model folder in which files can be replaced.
class FolderCopy {
 public:
  explicit FolderCopy(const std::filesystem::path& original) {
    for (const auto& entry : std::filesystem::directory_iterator(original))
      std::filesystem::copy_file(entry.path(), folder_ / entry.path().filename().string());
  }
  void replace(const std::string& name, const core::Json& json) const {
    std::filesystem::remove(folder_ / name);
    std::ofstream(folder_ / name) << json.dump();
  }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

// The case's model with the configuration and the conversation template that the case was made with.
inline core::Model load_model_of(const GoldenCase& golden,
                                 const core::LoadOptions& options = {.device = "cpu"}) {
  const core::Json facts = core::read_json(golden.file(".json"));
  const FolderCopy folder(golden_model(golden.checkpoint));
  folder.replace("config.json", config_of(golden.checkpoint, facts));
  folder.replace("medplib.json", {{"format_version", 1}, {"conversation_template", facts.at("template")}});
  return core::Model::load(folder.path(), options);
}

inline core::AskOptions ask_options_of(const OpenCase& given) {
  core::AskOptions options;
  options.regions = given.regions();
  options.max_new_tokens = static_cast<int>(given.fact<std::vector<std::int64_t>>("generated_ids").size());
  return options;
}

constexpr std::int64_t kEos = 2;  // in LLaMA's vocabulary

inline bool is_whole(const GoldenCase& golden) {
  namespace fs = std::filesystem;
  const auto has = [&](const char* suffix) { return fs::exists(golden.folder / (golden.name + suffix)); };
  return has(".json") && has(".safetensors") && has(".image.png") && fs::exists(golden.checkpoint);
}

// A case whose greedy answer has a <SEG> among several tokens, and comes to its end: of the golden set, else
// of the committed part.
inline GoldenCase a_case_with_a_mask() {
  for (const auto& root : {golden_root(), committed_goldens()})
    for (const GoldenCase& golden : golden_cases(root)) {
      if (!is_whole(golden)) continue;
      const core::Json facts = core::read_json(golden.file(".json"));
      const auto answer = facts.at("generated_ids").get<std::vector<std::int64_t>>();
      if (facts.at("gen_has_seg").get<bool>() && answer.size() > 2 && answer.back() == kEos) return golden;
    }
  throw std::runtime_error("tests/goldens has no case with a mask");
}

}  // namespace medplib::test
