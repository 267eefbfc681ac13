#include "base/files.h"

#include <medplib/core/error.h>

#include <array>
#include <cstring>
#include <fstream>
#include <memory>
#include <openssl/evp.h>
#include <system_error>
#include <unistd.h>

namespace medplib::core {
namespace fs = std::filesystem;

namespace {

std::ifstream open_for_reading(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) fail(ErrorCode::NotFound, path, " is a folder, not a file.");
  if (!fs::exists(path, ignored)) fail(ErrorCode::NotFound, path, " does not exist. Check the path.");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(ErrorCode::Io, path, " cannot be opened for reading: ", std::strerror(errno), ".");
  return file;
}

// Where `path` leads when it is a link, be there something or not.
fs::path behind_links(fs::path path) {
  constexpr int kMostLinks = 40;
  std::error_code failed;
  for (int i = 0; i < kMostLinks && fs::is_symlink(path, failed); ++i) {
    const fs::path target = fs::read_symlink(path, failed);
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
  if (fs::is_symlink(path, failed)) fail(ErrorCode::Io, path, " is a link that leads to itself.");
  return path;
}

// `name` is what messages call the file.
void write_to(const fs::path& path, const fs::path& name, const std::function<void(std::ostream&)>& write) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) fail(ErrorCode::Io, name, " cannot be written: ", std::strerror(errno), ".");
  write(file);
  file.close();
  if (!file) fail(ErrorCode::Io, "Writing ", name, " failed: ", std::strerror(errno), ". Is the disk full?");
}

class Sha256 {
 public:
  Sha256() {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
      fail(ErrorCode::Internal, "SHA-256 is not available in this build of OpenSSL.");
  }

  void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }

  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &length);
    std::string hex;
    for (unsigned int i = 0; i < length; ++i) {
      constexpr const char* digits = "0123456789abcdef";
      hex += digits[digest[i] >> 4];
      hex += digits[digest[i] & 15];
    }
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

}  // namespace

std::string read_file(const fs::path& path, std::uint64_t max_bytes) {
  std::ifstream file = open_for_reading(path);
  std::error_code failed;
  const std::uint64_t size = fs::file_size(path, failed);
  if (!failed && size > max_bytes)
    fail(ErrorCode::Format, path, " has ", size, " bytes; at most ", max_bytes, " are read.");
  std::string bytes;
  std::array<char, 1 << 16> block{};
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    bytes.append(block.data(), static_cast<std::size_t>(file.gcount()));
    if (bytes.size() > max_bytes)
      fail(ErrorCode::Format, path, " is longer than the ", max_bytes, " bytes that are read.");
  }
  if (file.bad()) fail(ErrorCode::Io, "Reading ", path, " failed: ", std::strerror(errno), ".");
  return bytes;
}

void write_file(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  const fs::path target = behind_links(path);
  std::error_code ignored;
  if (fs::is_other(target, ignored)) return write_to(target, path, write);
  fs::path temporary = target;
  temporary += text_of(".part", ::getpid());
  try {
    write_to(temporary, path, write);
    std::error_code failed;
    fs::rename(temporary, target, failed);
    if (failed) fail(ErrorCode::Io, path, " cannot be replaced: ", failed.message(), ".");
  } catch (...) {
    fs::remove(temporary, ignored);
    throw;
  }
}

void write_file(const fs::path& path, std::string_view bytes) {
  write_file(path,
             [&](std::ostream& out) { out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())); });
}

std::string sha256_of_file(const fs::path& path, const std::function<void()>& between) {
  std::ifstream file = open_for_reading(path);
  Sha256 hash;
  std::array<char, 1 << 16> block{};
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    if (between) between();
    hash.add({block.data(), static_cast<std::size_t>(file.gcount())});
  }
  if (file.bad()) fail(ErrorCode::Io, "Reading ", path, " failed: ", std::strerror(errno), ".");
  return hash.finish();
}

std::string sha256_of(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.finish();
}

}  // namespace medplib::core
