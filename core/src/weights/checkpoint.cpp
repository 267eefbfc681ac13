#include "weights/checkpoint.h"

#include "base/json.h"
#include "base/paths.h"
#include "weights/names.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace medplib::core {

namespace fs = std::filesystem;

namespace {

constexpr const char* single_file = "model.safetensors";
constexpr const char* index_file = "model.safetensors.index.json";

std::string scale_name(const std::string& name) { return name + "_scale"; }

std::string list(const char* title, const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  std::string text = text_of("\n", title, " (", lines.size(), "):");
  for (const std::string& line : lines) text += "\n  " + line;
  return text;
}

bool is_float(c10::ScalarType dtype) {
  return dtype == at::kFloat || dtype == at::kHalf || dtype == at::kBFloat16;
}

// (rows, 1, 1 …): one number a row, to multiply with a tensor of `dimensions`.
at::Tensor per_row(const at::Tensor& scale, std::int64_t dimensions) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(dimensions), 1);
  shape[0] = scale.numel();
  return scale.view(shape);
}

}  // namespace

Checkpoint::Checkpoint(fs::path folder, c10::ScalarType dtype, c10::Device device)
    : folder_(std::move(folder)), dtype_(dtype), device_(device) {
  std::error_code ignored;
  if (!fs::is_directory(folder_, ignored))
    fail(ErrorCode::NotFound, folder_, " is not a folder. Name a model's folder.");
  if (fs::exists(folder_ / single_file, ignored)) {
    add_file(folder_ / single_file);
  } else if (fs::exists(folder_ / index_file, ignored)) {
    open_shards();
  } else {
    fail(ErrorCode::NotFound, folder_, " has neither ", single_file, " nor ", index_file,
         ". Save other formats as safetensors first.");
  }
}

void Checkpoint::open_shards() {
  const std::string where = (folder_ / index_file).string();
  const auto weight_map = required<std::map<std::string, std::string>>(read_json(where), "weight_map", where);
  std::set<std::string> shards;
  for (const auto& [name, shard] : weight_map) shards.insert(shard);
  for (const std::string& shard : shards) {
    const fs::path path = path_inside(folder_, shard, where);
    std::error_code ignored;
    if (!fs::exists(path, ignored))
      fail(ErrorCode::NotFound, "Shard ", path, " is missing, which ", where,
           " names. Was the download complete?");
    add_file(path);
  }
  for (const auto& [name, shard] : weight_map) {
    if (!file_of_.contains(name))
      fail(ErrorCode::Format, where, " says that '", name, "' is in ", shard, ", which does not have it.");
  }
}

void Checkpoint::add_file(const fs::path& path) {
  files_.push_back(SafetensorsFile::open(path));
  for (const auto& [name, entry] : files_.back().entries()) {
    if (!file_of_.emplace(name, files_.size() - 1).second)
      fail(ErrorCode::Format, "Tensor '", name, "' is in two shards of ", folder_, "; one of them is ", path,
           ".");
  }
}

const SafetensorsFile::Entry& Checkpoint::entry_of(const std::string& name) const {
  return files_[file_of_.at(name)].entries().at(name);
}

at::Tensor Checkpoint::stored(const std::string& name) const {
  return files_[file_of_.at(name)].tensor(name);
}

bool Checkpoint::is_usable(const std::string& name, const ParameterSpec& spec) {
  if (!file_of_.contains(name)) {
    missing_.push_back(text_of(name, " ", c10::IntArrayRef(spec.shape)));
    return false;
  }
  const auto& entry = entry_of(name);
  const bool is_int8 = entry.dtype == at::kChar && !entry.shape.empty();
  if (!is_float(entry.dtype) && !is_int8) {
    mistyped_.push_back(
        text_of(name, ": ", safetensors_type(entry.dtype), " instead of F32, F16, BF16 or I8 with scales"));
    return false;
  }
  // Checked whatever the shape is, so that the scale of a misshapen tensor is not reported as unexpected,
  // too.
  const bool has_scale = !is_int8 || has_usable_scale(scale_name(name), entry.shape[0]);
  if (entry.shape == spec.shape) return has_scale;
  misshapen_.push_back(
      text_of(name, ": ", c10::IntArrayRef(entry.shape), " instead of ", c10::IntArrayRef(spec.shape)));
  return false;
}

bool Checkpoint::has_usable_scale(const std::string& name, std::int64_t rows) {
  taken_.insert(name);
  if (!file_of_.contains(name)) {
    missing_.push_back(text_of(name, " [", rows, "]"));
    return false;
  }
  const auto& entry = entry_of(name);
  if (entry.dtype != at::kFloat) {
    mistyped_.push_back(text_of(name, ": ", safetensors_type(entry.dtype), " instead of F32"));
    return false;
  }
  if (entry.shape == std::vector<std::int64_t>{rows}) return true;
  misshapen_.push_back(text_of(name, ": ", c10::IntArrayRef(entry.shape), " instead of [", rows, "]"));
  return false;
}

bool Checkpoint::check(const ParameterSpec& spec) {
  const std::string name = published_name(spec.name);
  taken_.insert(name);
  return is_usable(name, spec);
}

at::Tensor Checkpoint::take(const ParameterSpec& spec) {
  return dense(take_weight(spec)).to(device_, spec.float32 ? at::kFloat : dtype_);
}

Weight Checkpoint::take_weight(const ParameterSpec& spec) {
  const std::string name = published_name(spec.name);
  const c10::ScalarType dtype = spec.float32 ? at::kFloat : dtype_;
  // An expanded zero: a fault in a large file costs no memory until finish() tells it.
  if (!check(spec))
    return {.stored = at::zeros({1}, at::TensorOptions(dtype).device(device_)).expand(spec.shape)};
  const at::Tensor tensor = stored(name);
  if (tensor.scalar_type() != at::kChar) return {.stored = tensor.to(device_, dtype)};
  return {.stored = Int8Rows{tensor.to(device_), stored(scale_name(name)).to(device_)}};
}

void Checkpoint::finish() const {
  std::vector<std::string> unexpected;
  for (const auto& [name, file] : file_of_) {
    if (taken_.contains(name) || is_ignored_published_name(name)) continue;
    unexpected.push_back(text_of(name, " ", c10::IntArrayRef(entry_of(name).shape)));
  }
  if (missing_.empty() && unexpected.empty() && misshapen_.empty() && mistyped_.empty()) return;
  fail(ErrorCode::Format, "The weights in ", folder_,
       " do not fit its config.json:", list("missing", missing_), list("unexpected", unexpected),
       list("of another shape", misshapen_), list("of another type", mistyped_));
}

std::vector<TensorSummary> Checkpoint::tensors() const {
  std::vector<TensorSummary> summaries;
  for (const auto& [name, file] : file_of_)
    summaries.push_back({name, entry_of(name).dtype, entry_of(name).shape});
  return summaries;
}

std::vector<std::string> Checkpoint::not_finite(const std::function<void()>& between) const {
  std::vector<std::string> names;
  for (const auto& [name, file] : file_of_) {
    between();
    const at::Tensor tensor = stored(name);
    if (!tensor.is_floating_point() || tensor.numel() == 0) continue;
    // NaN makes both NaN, and infinity is one of them: no temporary of the tensor's size is needed.
    const auto [low, high] = at::aminmax(tensor);
    if (!at::isfinite(low).item<bool>() || !at::isfinite(high).item<bool>()) names.push_back(name);
  }
  return names;
}

namespace {

bool stays_float32(const std::string& name) {
  return name.ends_with(".moe.router.weight") || name == "sam.prompt.fourier";
}

bool fits_int8(const at::Tensor& tensor) {
  return tensor.dim() >= 2 && tensor.size(0) > 1 && tensor.numel() >= 1024;
}

void add_int8(NamedTensors& stored, const std::string& name, const at::Tensor& dense) {
  const at::Tensor largest = dense.flatten(1).abs().amax(1);  // (rows)
  if (!at::isfinite(largest).all().item<bool>())
    fail(ErrorCode::InvalidArgument, "Tensor '", name,
         "' holds NaN or infinity and cannot be stored as int8.");
  // Not below the smallest normal number: a row of zeros is divided by it too.
  const at::Tensor scale = (largest / 127.0).clamp_min(std::numeric_limits<float>::min());
  stored.emplace_back(name, dense.div(per_row(scale, dense.dim())).round_().clamp_(-127, 127).to(at::kChar));
  stored.emplace_back(scale_name(name), scale);
}

}  // namespace

void save_checkpoint(const fs::path& folder, const NamedTensors& tensors, Storage storage) {
  NamedTensors stored;
  for (const auto& [ours, tensor] : tensors) {
    const std::string name = published_name(ours);
    const at::Tensor dense = tensor.detach().to(at::kCPU, at::kFloat);
    if (storage == Storage::Int8 && fits_int8(dense) && !stays_float32(ours)) {
      add_int8(stored, name, dense);
    } else {
      const bool narrow = storage == Storage::BFloat16 && !stays_float32(ours);
      stored.emplace_back(name, narrow ? dense.to(at::kBFloat16) : dense);
    }
  }
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) fail(ErrorCode::Io, folder, " cannot be created: ", failed.message(), ".");
  write_safetensors(folder / single_file, stored, {{"format", "pt"}});
}

}  // namespace medplib::core
