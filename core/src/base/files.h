// Reading whole files; writing them is in the public header.
#pragma once

#include <medplib/core/files.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace medplib::core {

// Errors: NotFound (says whether it is a folder or absent), Io.
std::ifstream open_for_reading(const std::filesystem::path& path);

// Returns the file's bytes. Errors: NotFound (says whether it is a folder or absent), Io, Format when longer
// than `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = std::uint64_t{1} << 32);

// The file's bytes, read as they are looked at. Errors: as read_file.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  std::span<const std::byte> bytes() const { return {bytes_.get(), size_}; }

 private:
  std::size_t size_ = 0;
  std::shared_ptr<const std::byte> bytes_;
};

// Lower-case hexadecimal SHA-256 of the file's bytes, and of these. `between` is called before each block of
// a file, and may throw to end it.
std::string sha256_of_file(const std::filesystem::path& path, const std::function<void()>& between = {});
std::string sha256_of(std::string_view bytes);

}  // namespace medplib::core
