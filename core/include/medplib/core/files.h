// Writing whole files: all or nothing, by a temporary beside the target and a rename.
#pragma once

#include <filesystem>
#include <functional>
#include <ostream>
#include <string_view>

namespace medplib::core {

// Replaces `path` by what `write` puts out, or leaves it as it was and throws Io: a full disk loses nothing.
// A link's target is replaced, not the link; a device or a pipe is written to as it is.
void write_file(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write);
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace medplib::core
