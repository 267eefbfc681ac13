// Where the embedded model lies.
#include <medplib/core/error.h>
#include <medplib/core/model.h>

#include <cstdlib>
#include <dlfcn.h>
#include <link.h>

namespace medplib::core {

namespace fs = std::filesystem;

namespace {

// The program or library that this code is part of.
fs::path own_file() {
  Dl_info ignored{};
  void* map = nullptr;
  if (dladdr1(reinterpret_cast<const void*>(&embedded_model), &ignored, &map, RTLD_DL_LINKMAP) == 0)
    return {};
  const std::string name = static_cast<const link_map*>(map)->l_name;
  return name.empty() ? "/proc/self/exe" : name;  // a program has no name of its own here
}

}  // namespace

fs::path embedded_model() {
  if (const char* named = std::getenv("MEDPLIB_MODEL"); named != nullptr && *named != '\0') {
    if (!fs::is_directory(named))
      fail(ErrorCode::NotFound, "MEDPLIB_MODEL names \"", named, "\", which is not a folder.");
    return named;
  }
  std::error_code ignored;
  const fs::path beside = fs::canonical(own_file(), ignored).parent_path();
  // An installation has it under share/, a checkout under models/.
  for (fs::path folder = beside; !folder.empty(); folder = folder.parent_path()) {
    for (const char* place : {"share/medplib/models/tiny", "models/tiny"})
      if (fs::exists(folder / place / "config.json", ignored)) return folder / place;
    if (folder == folder.root_path()) break;
  }
  fail(ErrorCode::NotFound,
       "The embedded model was not found beside the program. Name a model's folder, or set "
       "MEDPLIB_MODEL to one.");
}

}  // namespace medplib::core
