// Writing whole files: all or nothing, by a temporary beside the target and a rename.
#pragma once

#include <filesystem>
#include <functional>
#include <ostream>
#include <string_view>

namespace medplib::core {

// Replaces `path` by what `write` puts out, or leaves it as it was and throws Io: a full disk loses nothing.
// A link's target is replaced, not the link; a device or a pipe is written to as it is, and so is what this
// process has open (/dev/stdout, /dev/fd/3). Errors: Io, InvalidArgument (a name with a NUL byte).
void write_file(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write);
void write_file(const std::filesystem::path& path, std::string_view bytes);

// Whether what is written under this name goes on elsewhere, as it comes, instead of making a file: a device,
// a pipe, or what this process has open.
bool is_stream(const std::filesystem::path& path);

// Whether it goes where the standard output does.
bool is_standard_output(const std::filesystem::path& path);

// Pictures are written as PNG: refuses a name whose ending says something else. Errors: InvalidArgument.
void check_png_name(const std::filesystem::path& path);

}  // namespace medplib::core
