// A model folder's weights in the published layout: strict loading, and saving in three storages.
#pragma once

#include "weights/parameters.h"
#include "weights/safetensors.h"
#include "weights/shards.h"

#include <medplib/core/names.h>
#include <medplib/core/weights.h>

#include <c10/core/Device.h>

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace medplib::core {

struct TensorSummary {
  std::string name;  // as published
  c10::ScalarType dtype;
  std::vector<std::int64_t> shape;
};

// Reads the files that find_weights finds in FOLDER. Stored types: F32, F16, BF16, or I8 with the scale of
// each row in an F32 tensor NAME_scale of shape [rows]: value = stored × scale.
//
// A float tensor that is stored as it is asked for, on the CPU, is returned as a view of the mapped file: it
// must not be written to; training copies it.
class Checkpoint : public ParameterSource {
 public:
  // `dtype`: of the parameters handed out, unless they stay float32. Errors: as find_weights, and Format.
  explicit Checkpoint(std::filesystem::path folder, c10::ScalarType dtype = c10::ScalarType::Float,
                      c10::Device device = c10::DeviceType::CPU);

  at::Tensor take(const ParameterSpec& spec) override;
  // In the form in which it is stored: int8 stays int8.
  Weight take_weight(const ParameterSpec& spec) override;

  // The tensors that hold a parameter that is usable, as they are stored, under the published names of
  // parameter `as`: its own, and of int8 its scales.
  NamedTensors as_stored(const std::string& parameter, const std::string& as) const;

  // Checks a parameter as take does, without reading its values. Returns whether it is usable.
  bool check(const ParameterSpec& spec);

  // Whether `take` hands the parameter out as a view of the file.
  bool is_mapped(const ParameterSpec& spec) const;

  // After the network is built: throws one Error(Format) that counts the missing, unexpected, misshapen and
  // wrongly typed tensors; its details list them all.
  void finish() const;

  // All tensors in the files, by name.
  std::vector<TensorSummary> tensors() const;

  // Returns the names of the stored tensors that hold NaN or infinity. Reads every byte; `between` is called
  // before each tensor with the part that was read.
  std::vector<std::string> not_finite(const std::function<void(double)>& between) const;

  // What is read, and what isn't.
  WeightsInfo info() const;

 private:
  void add_file(const std::filesystem::path& path);
  const SafetensorsFile::Entry& entry_of(const std::string& name) const;
  at::Tensor stored(const std::string& name) const;
  bool is_usable(const std::string& name, const ParameterSpec& spec);
  bool has_usable_scale(const std::string& name, std::int64_t rows);

  std::filesystem::path folder_;
  c10::ScalarType dtype_;
  c10::Device device_;
  WeightFiles weights_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, std::size_t> file_of_;  // name → index in files_
  std::set<std::string> taken_;
  std::vector<std::string> missing_, misshapen_, mistyped_;
};

// How floating-point weights are stored. Int8: every tensor of two or more dimensions, two or more rows and
// 1024 or more elements is stored as I8 with one scale a row (first dimension), max|row| / 127, so that no
// value is off by more than half a scale; the others (norms, biases, tokens) stay F32, where they cost
// little. In all three the router and SAM's Fourier matrix stay F32.
enum class Storage { Float32, BFloat16, Int8 };

template <>
struct Names<Storage> {
  static constexpr const char* kind = "storage";
  static constexpr NameTable<Storage, 3> all = {
      {{Storage::Float32, "float32"}, {Storage::BFloat16, "bfloat16"}, {Storage::Int8, "int8"}}};
};

// Writes FOLDER/model.safetensors under published names; `tensors` have the network's. Errors: Io,
// InvalidArgument (Int8 of NaN or infinity).
void save_checkpoint(const std::filesystem::path& folder, const NamedTensors& tensors, Storage storage);

}  // namespace medplib::core
