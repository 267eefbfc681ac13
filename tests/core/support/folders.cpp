#include "support/folders.h"

#include <cstdlib>
#include <source_folder.h>

namespace medplib::test {

std::filesystem::path source_folder() { return MEDPLIB_SOURCE_FOLDER; }

std::filesystem::path golden_root() {
  const char* elsewhere = std::getenv("MEDPLIB_GOLDENS");
  return elsewhere != nullptr && *elsewhere != '\0' ? elsewhere : committed_goldens();
}

std::filesystem::path committed_goldens() { return source_folder() / "tests" / "goldens"; }

}  // namespace medplib::test
