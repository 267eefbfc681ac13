#include "train/folder_lock.h"

#include <medplib/core/error.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace medplib::core {

FolderLock::FolderLock(const std::filesystem::path& folder)
    : file_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (file_ >= 0 && ::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  const int failed = errno;
  if (file_ >= 0) ::close(file_);
  if (failed == EWOULDBLOCK)
    fail(ErrorCode::State, folder, " is written by another training. Wait for it, or choose another folder.");
  fail(ErrorCode::Io, folder, " cannot be locked: ", std::generic_category().message(failed), ".");
}

FolderLock::~FolderLock() { ::close(file_); }

}  // namespace medplib::core
