#include "generate/loaded_model.h"
#include "generate/process.h"

#include <medplib/core/error.h>
#include <medplib/core/model.h>
#include <medplib/core/translate.h>

#include <ATen/ATen.h>

#include <cstdlib>
#include <dlfcn.h>
#include <link.h>

namespace medplib::core {

namespace fs = std::filesystem;

Model Model::load(const fs::path& folder, const LoadOptions& options) {
  return Model(load_model(folder, options));
}

const ModelInfo& Model::info() const { return loaded_->info; }

std::string Model::device() const { return loaded_->device.str(); }

Precision Model::precision() const { return loaded_->precision; }

ModelInfo inspect(const fs::path& folder, Precision precision) {
  return model_info(FolderFacts(folder), Checkpoint(folder), precision);
}

namespace {

// Hands out one zero seen from everywhere, once it is sure that the checkpoint has the tensor: a check takes
// no memory for the weights.
class CheckOnly : public ParameterSource {
 public:
  CheckOnly(Checkpoint& checkpoint, const std::function<void()>& between)
      : checkpoint_(checkpoint), between_(between) {}
  at::Tensor take(const ParameterSpec& spec) override {
    between_();
    checkpoint_.check(spec);
    return at::zeros({1}).expand(spec.shape);
  }

 private:
  Checkpoint& checkpoint_;
  const std::function<void()>& between_;
};

}  // namespace

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
    CheckOnly source(checkpoint, between);
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

namespace {

// The program or library that this code is part of.
fs::path own_file() {
  Dl_info ignored{};
  void* map = nullptr;
  if (dladdr1(reinterpret_cast<const void*>(&embedded_model), &ignored, &map, RTLD_DL_LINKMAP) == 0)
    return {};
  const std::string name = static_cast<const link_map*>(map)->l_name;
  return name.empty() ? "/proc/self/exe" : name;  // a program has no name of its own here
}

}  // namespace

fs::path embedded_model() {
  if (const char* named = std::getenv("MEDPLIB_MODEL"); named != nullptr && *named != '\0') {
    if (!fs::is_directory(named))
      fail(ErrorCode::NotFound, "MEDPLIB_MODEL names \"", named, "\", which is not a folder.");
    return named;
  }
  std::error_code ignored;
  const fs::path beside = fs::canonical(own_file(), ignored).parent_path();
  // An installation has it under share/, a checkout under models/.
  for (fs::path folder = beside; !folder.empty(); folder = folder.parent_path()) {
    for (const char* place : {"share/medplib/models/tiny", "models/tiny"})
      if (fs::exists(folder / place / "config.json", ignored)) return folder / place;
    if (folder == folder.root_path()) break;
  }
  fail(ErrorCode::NotFound,
       "The embedded model was not found beside the program. Name a model's folder, or set "
       "MEDPLIB_MODEL to one.");
}

}  // namespace medplib::core
