// Reading whole files; writing them is in the public header.
#pragma once

#include <medplib/core/files.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace medplib::core {

// Returns the file's bytes. Errors: NotFound (says whether it is a folder or absent), Io, Format when longer
// than `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = std::uint64_t{1} << 32);

// Lower-case hexadecimal SHA-256 of the file's bytes, and of these. `between` is called before each block of
// a file, and may throw to end it.
std::string sha256_of_file(const std::filesystem::path& path, const std::function<void()>& between = {});
std::string sha256_of(std::string_view bytes);

}  // namespace medplib::core
