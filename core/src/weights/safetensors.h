// safetensors files: memory-mapped reading with every size checked, and writing.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace medplib::core {

class SafetensorsFile {
 public:
  // Maps the file and checks its header: length ≤ 100 MB, first byte '{', no name twice, known types, dtype ×
  // shape = range, ranges disjoint and covering. Errors: NotFound, Io, Format: the file, the tensor and what
  // is wrong with it.
  static SafetensorsFile open(const std::filesystem::path& path);

  struct Entry {
    c10::ScalarType dtype;
    std::vector<std::int64_t> shape;
    std::uint64_t begin, end;  // bytes within the data part
  };
  const std::map<std::string, Entry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  // A view of the mapped bytes that keeps the mapping alive; must not be written to (the pages are
  // read-only: the process would be killed). A copy where the file does not align the tensor. Errors:
  // NotFound, Format (a BOOL other than 0 and 1).
  at::Tensor tensor(const std::string& name) const;

  // Whether `tensor` gives a view, not a copy. Errors: std::out_of_range.
  bool is_aligned(const std::string& name) const;

  // Lets the system have the memory that reading this tensor took; a view of it reads the file again.
  void forget_pages(const std::string& name) const;

 private:
  SafetensorsFile() = default;
  const char* start_of(const Entry& entry) const { return data_.get() + entry.begin; }
  std::filesystem::path path_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
  std::shared_ptr<const char> data_;
};

// Returns the type's name in safetensors files, such as "F32"; nullptr for a type that is not supported.
const char* safetensors_type(c10::ScalarType dtype);

// Writes all tensors (any device, any strides), atomically; those with larger elements first, so that every
// one is aligned. `between` is called before each with the part that is written, and may end it by throwing.
// Errors: Io, InvalidArgument (a name twice), Unsupported (a type without a name).
void write_safetensors(
    const std::filesystem::path& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors,
    const std::map<std::string, std::string>& metadata = {},
    const std::function<void(double)>& between = [](double) {});

}  // namespace medplib::core
