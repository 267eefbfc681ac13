// Whole files in and out. Writing is all or nothing: a temporary beside the target, then a rename.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <ostream>
#include <span>
#include <string>

namespace medplib::core {

// The file's bytes. Errors: NotFound (says whether it is a folder or absent), Io, Format when longer than `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = std::uint64_t{1} << 32);

// Replaces `path` by what `write` puts out, or leaves it as it was and throws Io: a full disk loses nothing.
void write_file(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write);
void write_file(const std::filesystem::path& path, std::string_view bytes);

// Lower-case hexadecimal SHA-256 of the file's bytes.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace medplib::core
