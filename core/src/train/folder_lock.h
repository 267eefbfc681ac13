// One training at a time writes into a folder.
#pragma once

#include <filesystem>

namespace medplib::core {

// Held until it goes, or its process does. Errors: State (another holds it), Io.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_;
};

}  // namespace medplib::core
