#include "base/process.h"
#include "model/folder.h"
#include "nn/network.h"
#include "weights/sources.h"

#include <medplib/core/current_error.h>
#include <medplib/core/model.h>

#include <algorithm>

namespace medplib::core {

namespace fs = std::filesystem;

std::vector<std::string> verify(const fs::path& folder, const std::function<void()>& between) {
  check_not_forked();
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    fail(ErrorCode::NotFound, folder, " is not a folder. Name a model's folder.");
  std::vector<std::string> problems;
  // Each question is asked, whatever the answer to the one before.
  const auto ask = [&](const std::function<void()>& question) {
    between();
    try {
      question();
    } catch (...) {
      const Error error = current_error();
      if (is_of_the_call(error)) throw;
      problems.emplace_back(error.what());
    }
  };
  ask([&] {
    for (std::string& problem : verify_files(folder, read_manifest(folder), between))
      problems.push_back(std::move(problem));
  });
  ask([&] { const FolderFacts facts(folder); });
  ask([&] {
    Checkpoint checkpoint(folder);
    CheckedParameters source(checkpoint, between);
    const Network network(source, ModelConfig::read(folder / "config.json"));
    checkpoint.finish();
  });
  ask([&] {
    for (const std::string& name : Checkpoint(folder).not_finite(between))
      problems.push_back(text_of("The tensor '", name, "' holds values that are not finite."));
  });
  // One fault may answer several questions.
  std::vector<std::string> once;
  for (std::string& problem : problems)
    if (std::ranges::find(once, problem) == once.end()) once.push_back(std::move(problem));
  return once;
}

}  // namespace medplib::core
