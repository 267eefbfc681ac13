#include "base/process.h"
#include "model/folder.h"
#include "nn/network.h"
#include "ops/own_state.h"
#include "weights/sources.h"

#include <medplib/core/current_error.h>
#include <medplib/core/model.h>

#include <algorithm>

namespace medplib::core {

namespace fs = std::filesystem;

Verification verify(const fs::path& folder, const std::function<void(double)>& between) {
  check_not_forked();
  const OwnState own;
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    fail(ErrorCode::NotFound, folder, " is not a folder. Name a model's folder.");
  Verification found;
  found.has_hashes = fs::exists(folder / "medplib.json", ignored);
  // One fault may answer several questions.
  const auto add = [&](const std::string& problem) {
    if (std::ranges::find(found.problems, problem) == found.problems.end()) found.problems.push_back(problem);
  };
  // Each question is asked, whatever the answer to the one before.
  const auto ask = [&](const std::function<void()>& question) {
    between(0);
    try {
      question();
    } catch (...) {
      const Error error = current_error();
      if (is_of_the_call(error)) throw;
      add(error.what());
      std::ranges::for_each(error.details(), add);
    }
  };
  ask([&] { std::ranges::for_each(verify_files(folder, read_manifest(folder), [&] { between(0); }), add); });
  ask([&] { const FolderFacts facts(folder); });
  ask([&] {
    Checkpoint checkpoint(folder);
    CheckedParameters source(checkpoint, between);
    const Network network(source, ModelConfig::read(folder / "config.json"));
    checkpoint.finish();
  });
  ask([&] {
    const Checkpoint checkpoint(folder);
    found.read = checkpoint.info();
    for (const std::string& name : checkpoint.not_finite(between))
      add(text_of("The tensor '", name, "' holds values that are not finite."));
  });
  return found;
}

}  // namespace medplib::core
