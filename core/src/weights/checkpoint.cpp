#include "weights/checkpoint.h"

#include "weights/names.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace medplib::core {

namespace fs = std::filesystem;

namespace {

std::string scale_name(const std::string& name) { return name + "_scale"; }

bool is_float(c10::ScalarType dtype) {
  return dtype == at::kFloat || dtype == at::kHalf || dtype == at::kBFloat16;
}

// The tensors at fault, by kind.
class Faults {
 public:
  void add(const char* kind, const std::vector<std::string>& tensors) {
    if (!tensors.empty()) kinds_.emplace_back(kind, &tensors);
  }

  // Errors: Format, if there are any.
  void finish(const fs::path& folder) const {
    if (kinds_.empty()) return;
    std::vector<std::string> details;
    for (const auto& [kind, tensors] : kinds_)
      for (const std::string& tensor : *tensors) details.push_back(text_of(kind, ": ", tensor));
    // Twenty names of full length may be longer than a sentence.
    std::size_t width = 200;
    std::string text = sentence(folder, width);
    while (text.size() > kLongestMessage && width > 30) text = sentence(folder, width -= 10);
    throw Error(ErrorCode::Format, text, std::move(details));
  }

 private:
  // Of names that begin alike the later ones have "…" for the modules that they share with the one before.
  static std::vector<std::string> brief(const std::vector<std::string>& tensors) {
    std::vector<std::string> names = tensors;
    for (std::size_t i = 1; i < names.size(); ++i) {
      const auto differs = std::ranges::mismatch(tensors[i], tensors[i - 1]).in1;
      const std::size_t dot = tensors[i].substr(0, differs - tensors[i].begin()).rfind('.');
      if (dot != std::string::npos) names[i].replace(0, dot + 1, "…");
    }
    return names;
  }

  std::string sentence(const fs::path& folder, std::size_t width) const {
    std::string text = text_of("The weights in ", folder, " do not fit its config.json: ");
    for (const auto& [kind, tensors] : kinds_)
      text += text_of(kind == kinds_.front().first ? "" : "; ", tensors->size(), " ", kind, ": ",
                      first_five(brief(*tensors), width));
    return text + ". Take both from one model; `medplib verify` lists all.";
  }

  std::vector<std::pair<const char*, const std::vector<std::string>*>> kinds_;
};

std::int64_t bytes_of(const SafetensorsFile::Entry& entry) {
  return static_cast<std::int64_t>(entry.end - entry.begin);
}

// (rows, 1, 1 …): one number a row, to multiply with a tensor of `dimensions`.
at::Tensor per_row(const at::Tensor& scale, std::int64_t dimensions) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(dimensions), 1);
  shape[0] = scale.numel();
  return scale.view(shape);
}

}  // namespace

Checkpoint::Checkpoint(fs::path folder, c10::ScalarType dtype, c10::Device device)
    : folder_(std::move(folder)), dtype_(dtype), device_(device), weights_(find_weights(folder_)) {
  for (const fs::path& file : weights_.read) add_file(file);
  std::vector<std::string> absent;
  for (const auto& [name, file] : weights_.index)
    if (!file_of_.contains(name)) absent.push_back(text_of(name, " in ", file));
  if (absent.empty()) return;
  const std::string sentence =
      text_of(weights_.index_file, " names ", absent.size(),
              " tensors that its files do not have: ", first_five(absent), ". Take both from one model.");
  throw Error(ErrorCode::Format, sentence, std::move(absent));
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
  const at::Tensor taken = dense(take_weight(spec)).to(device_, spec.float32 ? at::kFloat : dtype_);
  const std::string name = published_name(spec.name);
  if (file_of_.contains(name) && !is_mapped(spec)) files_[file_of_.at(name)].forget_pages(name);
  return taken;
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

NamedTensors Checkpoint::as_stored(const std::string& parameter, const std::string& as) const {
  const std::string from = published_name(parameter), to = published_name(as);
  NamedTensors all{{to, stored(from)}};
  if (all.front().second.scalar_type() == at::kChar)
    all.emplace_back(scale_name(to), stored(scale_name(from)));
  return all;
}

bool Checkpoint::is_mapped(const ParameterSpec& spec) const {
  const std::string name = published_name(spec.name);
  const auto file = file_of_.find(name);
  return file != file_of_.end() && device_.is_cpu() && files_[file->second].is_aligned(name) &&
         entry_of(name).dtype == (spec.float32 ? at::kFloat : dtype_);
}

void Checkpoint::finish() const {
  std::vector<std::string> unexpected;
  for (const auto& [name, file] : file_of_) {
    if (taken_.contains(name) || is_ignored_published_name(name)) continue;
    unexpected.push_back(text_of(name, " ", c10::IntArrayRef(entry_of(name).shape)));
  }
  Faults faults;
  faults.add("missing", missing_);
  faults.add("unexpected", unexpected);
  faults.add("of another shape", misshapen_);
  faults.add("of another type", mistyped_);
  faults.finish(folder_);
}

std::vector<TensorSummary> Checkpoint::tensors() const {
  std::vector<TensorSummary> summaries;
  for (const auto& [name, file] : file_of_)
    summaries.push_back({name, entry_of(name).dtype, entry_of(name).shape});
  return summaries;
}

WeightsInfo Checkpoint::info() const {
  WeightsInfo info{
      .files = {}, .tensors = std::ssize(file_of_), .bytes = 0, .left_alone = weights_.left_alone};
  for (const fs::path& file : weights_.read) info.files.push_back(file.filename().string());
  for (const auto& [name, file] : file_of_) info.bytes += bytes_of(entry_of(name));
  return info;
}

std::vector<std::string> Checkpoint::not_finite(const std::function<void(double)>& between) const {
  const auto all = static_cast<double>(std::max<std::int64_t>(info().bytes, 1));
  std::int64_t done = 0;
  std::vector<std::string> names;
  for (const auto& [name, file] : file_of_) {
    between(static_cast<double>(done) / all);
    done += bytes_of(entry_of(name));
    const at::Tensor tensor = stored(name);
    if (!tensor.is_floating_point() || tensor.numel() == 0) continue;
    // NaN makes both NaN, and infinity is one of them: no temporary of the tensor's size is needed.
    const auto [low, high] = at::aminmax(tensor);
    if (!at::isfinite(low).item<bool>() || !at::isfinite(high).item<bool>()) names.push_back(name);
    files_[file].forget_pages(name);
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
  write_safetensors(folder / kSingleFile, stored, {{"format", "pt"}});
}

}  // namespace medplib::core
