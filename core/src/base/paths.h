// Keeps paths that are named in a file below that file's folder.
#pragma once

#include <filesystem>
#include <string>

namespace medplib::core {

// Returns `name` below `root`, with links followed; it need not exist. Errors: Format, naming `where`, when
// it is empty, absolute, has "..", or leaves `root` through a link.
std::filesystem::path path_inside(const std::filesystem::path& root, const std::string& name,
                                  const std::string& where);

}  // namespace medplib::core
