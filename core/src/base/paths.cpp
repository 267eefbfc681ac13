#include "base/paths.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <system_error>

namespace medplib::core {

namespace fs = std::filesystem;

namespace {

fs::path canonical(const fs::path& path, const std::string& where) {
  std::error_code failed;
  fs::path result = fs::weakly_canonical(path, failed);
  if (failed)
    fail(ErrorCode::Format, where, " names ", path, ", which cannot be followed: ", failed.message(), ".");
  return result;
}

}  // namespace

fs::path path_inside(const fs::path& root, const std::string& name, const std::string& where) {
  const fs::path relative(name);
  const bool climbs =
      std::any_of(relative.begin(), relative.end(), [](const fs::path& part) { return part == ".."; });
  if (name.empty() || name.find('\0') != std::string::npos || relative.is_absolute() || climbs)
    fail(ErrorCode::Format, where, " names ", relative, "; only paths below ", root, " are allowed.");
  const fs::path base = canonical(fs::absolute(root), where);
  fs::path target = canonical(base / relative, where);
  if (std::mismatch(base.begin(), base.end(), target.begin(), target.end()).first != base.end())
    fail(ErrorCode::Format, where, " names ", relative, ", a link that leads out of ", root, ".");
  return target;
}

}  // namespace medplib::core
