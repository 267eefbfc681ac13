#include "model/write_folder.h"

#include "base/files.h"

#include <medplib/core/error.h>

#include <unistd.h>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

// Puts `fresh` in the place of `folder`.
void replace(const fs::path& folder, const fs::path& fresh) {
  const fs::path old = fresh.string() + ".old";
  std::error_code failed;
  const bool was_there = fs::exists(folder, failed);
  if (was_there) fs::rename(folder, old, failed);
  if (!failed) fs::rename(fresh, folder, failed);
  if (failed) {
    const std::string reason = failed.message();
    if (!fs::exists(folder, failed)) fs::rename(old, folder, failed);  // what stood there stays
    fail(ErrorCode::Io, folder, " cannot be replaced: ", reason, ".");
  }
  if (was_there) fs::remove_all(old, failed);
}

}  // namespace

void write_folder(const fs::path& folder, const std::function<void(const fs::path& fresh)>& write) {
  const fs::path fresh = folder.string() + text_of(".part", ::getpid());
  try {
    std::error_code failed;
    fs::create_directories(fresh, failed);
    if (failed) fail(ErrorCode::Io, fresh, " cannot be created: ", failed.message(), ".");
    write(fresh);
    replace(folder, fresh);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(fresh, ignored);
    throw;
  }
}

void copy_tokenizer(const fs::path& from, const fs::path& to) {
  const auto copy = [&](const char* name) { write_file(to / name, read_file(from / name)); };
  copy("tokenizer.model");
  for (const char* name : {"added_tokens.json", "tokenizer_config.json"})  // one is enough
    if (fs::exists(from / name)) copy(name);
}

}  // namespace medplib::core
