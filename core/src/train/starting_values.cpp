#include "train/starting_values.h"

#include "base/files.h"
#include "model/manifest.h"
#include "model/subject.h"
#include "weights/checkpoint.h"
#include "weights/safetensors.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>

#include <ranges>
#include <utility>

namespace medplib::core {
namespace fs = std::filesystem;

// The values of one folder.
class StartingValues::Layer {
 public:
  virtual ~Layer() = default;
  virtual bool has(const ParameterSpec& spec) = 0;
  virtual at::Tensor read(const ParameterSpec& spec) = 0;
  virtual void finish() const {}
};

// Those of a checkpoint whose names begin with `kind`.
class StartingValues::Taught : public Layer {
 public:
  Taught(fs::path path, const char* kind, const Training& training)
      : path_(std::move(path)), kind_(kind), file_(SafetensorsFile::open(path_)) {
    const auto labels = file_.metadata().find(kLabels);
    same_heads_ = labels != file_.metadata().end() && labels->second == training.labels;
  }

  bool has(const ParameterSpec& spec) override {
    if (spec.role == Role::Head && !same_heads_) return false;
    const auto entry = file_.entries().find(kind_ + spec.name);
    if (entry == file_.entries().end()) return false;
    if (entry->second.shape != spec.shape)
      fail(ErrorCode::Format, path_, ": ", spec.name, " has another shape than in this model.");
    return true;
  }

  at::Tensor read(const ParameterSpec& spec) override { return file_.tensor(kind_ + spec.name); }

 private:
  fs::path path_;
  std::string kind_;
  SafetensorsFile file_;
  bool same_heads_ = false;
};

// Those of a model folder.
class StartingValues::Published : public Layer {
 public:
  explicit Published(const fs::path& folder) : model_(folder, at::kFloat, at::kCPU) {}

  bool has(const ParameterSpec& spec) override { return spec.role == Role::Model && model_.check(spec); }
  at::Tensor read(const ParameterSpec& spec) override { return model_.take(spec); }
  void finish() const override { model_.finish(); }

 private:
  Checkpoint model_;
};

namespace {

Subject subject_of(const fs::path& folder) {
  return fs::exists(folder) && !fs::exists(folder / kCheckpoint) ? Subject::Model : Subject::Data;
}

std::map<std::string, std::string> metadata_of(const fs::path& folder) {
  return SafetensorsFile::open(folder / kCheckpoint).metadata();
}

// Errors: NotFound, Format (it is not what it was).
void need_unchanged(const fs::path& folder, const std::string& identity, const fs::path& user) {
  if (!fs::exists(folder))
    fail(ErrorCode::NotFound, user, " holds parts of what it started from, ", folder,
         ", which isn't there any more. Put it back, or start from ", user / "model", ", which has all.");
  if (identity_of(folder) != identity)
    fail(ErrorCode::Format, folder, " is not what it was when ", user, " started from it. Start from ",
         user / "model", " instead, which has all.");
}

}  // namespace

std::string identity_of(const fs::path& folder) {
  if (fs::exists(folder / kCheckpoint)) return sha256_of_file(folder / kCheckpoint);
  return identity_of_model(folder);
}

StartingValues::StartingValues(std::vector<fs::path> folders, Training training)
    : folders_(std::move(folders)), training_(std::move(training)) {
  for (const auto& folder : folders_) reading(subject_of(folder), [&] { add_held(folder); });
  for (const auto& folder : folders_) reading(subject_of(folder), [&] { add_taught(folder); });
}

StartingValues::~StartingValues() = default;

// What it held may be older than what another folder taught, and what it started from is older still.
void StartingValues::add_held(const fs::path& folder) {
  if (!fs::exists(folder / kCheckpoint)) return;
  const auto metadata = metadata_of(folder);
  if (const auto start = metadata.find(kStart); start != metadata.end()) {
    for (const Json& earlier : parse_json(start->second, (folder / kCheckpoint).string())) {
      const fs::path path = earlier.at("folder").get<std::string>();
      need_unchanged(path, earlier.at("sha256").get<std::string>(), folder);
      add_held(path);
      add_taught(path);
    }
  }
  layers_.push_back(std::make_unique<Taught>(folder / kCheckpoint, kHeld, training_));
}

void StartingValues::add_taught(const fs::path& folder) {
  if (!fs::exists(folder / kCheckpoint)) {
    layers_.push_back(std::make_unique<Published>(folder));
    return;
  }
  const auto metadata = metadata_of(folder);
  if (const auto adapters = metadata.find(kAdapters);
      adapters != metadata.end() && adapters->second != training_.adapters)
    fail(ErrorCode::Format, folder, " was trained with LoRA of another form (", adapters->second,
         "). Start from ", folder / "model", ", into which it is merged.");
  layers_.push_back(std::make_unique<Taught>(folder / kCheckpoint, kAverage, training_));
}

// All are asked, so that each model knows of what it has to have.
StartingValues::Layer* StartingValues::layer_of(const ParameterSpec& spec) {
  Layer* found = nullptr;
  for (const auto& layer : layers_)
    if (layer->has(spec)) found = layer.get();
  return found;
}

bool StartingValues::has(const ParameterSpec& spec) { return layer_of(spec) != nullptr; }

std::optional<at::Tensor> StartingValues::find(const ParameterSpec& spec) {
  Layer* layer = layer_of(spec);
  if (layer == nullptr) return std::nullopt;
  return layer->read(spec);
}

void StartingValues::finish() const {
  for (const auto& layer : layers_) reading(Subject::Model, [&] { layer->finish(); });
}

Json StartingValues::references() const {
  Json list = Json::array();
  for (const auto& folder : folders_)
    list.push_back(
        {{"folder", fs::absolute(folder).lexically_normal().string()}, {"sha256", identity_of(folder)}});
  return list;
}

}  // namespace medplib::core
