#include "base/files.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <openssl/evp.h>
#include <optional>
#include <sstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace medplib::core {
namespace fs = std::filesystem;

namespace {

// The system would cut such a name, and take another file.
void check_name(const fs::path& path) {
  const std::string& name = path.native();
  if (const std::size_t nul = name.find('\0'); nul != std::string::npos)
    fail(ErrorCode::InvalidArgument, "The name of a file has a NUL byte behind \"", name.substr(0, nul),
         "\", which no file's name has. Write it without.");
}

constexpr int kMostLinks = 40;

// Where the link `path` leads.
fs::path behind_link(const fs::path& path) {
  std::error_code failed;
  const fs::path target = fs::read_symlink(path, failed);
  return target.is_absolute() ? target : path.parent_path() / target;
}

// Where `path` leads when it is a link, be there something or not.
fs::path behind_links(fs::path path) {
  std::error_code failed;
  for (int i = 0; i < kMostLinks && fs::is_symlink(path, failed); ++i) path = behind_link(path);
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

// The number of this process's open file that `path` stands for, as /dev/stdout and /dev/fd/3 do: its name
// may lead to another file by now, or nowhere.
std::optional<int> own_descriptor(fs::path path) {
  std::error_code failed;
  const fs::path open_files = fs::canonical("/proc/self/fd", failed);
  for (int i = 0; !failed && i < kMostLinks; ++i) {
    const fs::path folder = fs::canonical(path.has_parent_path() ? path.parent_path() : ".", failed);
    if (failed) break;
    const std::string name = path.filename().string();
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (folder == open_files && error == std::errc() && end == name.data() + name.size()) return number;
    if (!fs::is_symlink(path, failed)) break;
    path = behind_link(path);
  }
  return std::nullopt;
}

void write_to_descriptor(int descriptor, const fs::path& name,
                         const std::function<void(std::ostream&)>& write) {
  std::ostringstream out;
  write(out);
  const std::string bytes = out.str();
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t more = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) fail(ErrorCode::Io, "Writing ", name, " failed: ", std::strerror(errno), ".");
    done += static_cast<std::size_t>(more);
  }
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

std::ifstream open_for_reading(const fs::path& path) {
  check_name(path);
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) fail(ErrorCode::NotFound, path, " is a folder, not a file.");
  if (!fs::exists(path, ignored)) fail(ErrorCode::NotFound, path, " does not exist. Check the path.");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(ErrorCode::Io, path, " cannot be opened for reading: ", std::strerror(errno), ".");
  return file;
}

MappedFile::MappedFile(const fs::path& path) {
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) fail(ErrorCode::NotFound, path, " is not a file. Check the path.");
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(ErrorCode::Io, path, " cannot be opened for reading: ", std::strerror(errno), ".");
  size_ = fs::file_size(path, failed);
  void* const start =
      failed || size_ == 0 ? nullptr : ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
  ::close(file);
  if (failed || start == MAP_FAILED)
    fail(ErrorCode::Io, path, " cannot be read: ", std::strerror(errno), ".");
  const auto unmap = [size = size_](const std::byte* bytes) {
    if (bytes != nullptr) ::munmap(const_cast<std::byte*>(bytes), size);
  };
  bytes_ = {static_cast<const std::byte*>(start), unmap};
}

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
  check_name(path);
  if (const auto descriptor = own_descriptor(path)) return write_to_descriptor(*descriptor, path, write);
  std::error_code ignored;
  if (fs::is_other(path, ignored)) return write_to(path, path, write);
  const fs::path target = behind_links(path);
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

bool is_stream(const fs::path& path) {
  std::error_code ignored;
  return own_descriptor(path).has_value() || fs::is_other(path, ignored);
}

bool is_standard_output(const fs::path& path) {
  if (own_descriptor(path) == STDOUT_FILENO) return true;
  struct stat output {
  }, file{};
  const bool both = ::fstat(STDOUT_FILENO, &output) == 0 && ::stat(path.c_str(), &file) == 0;
  // Many may write to one device, such as /dev/null.
  return both && !S_ISCHR(file.st_mode) && output.st_dev == file.st_dev && output.st_ino == file.st_ino;
}

void check_png_name(const fs::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  if (!ending.empty() && ending != ".png")
    fail(ErrorCode::InvalidArgument, path, " ends in \"", path.extension().string(),
         "\", but pictures are written as PNG. Give a name that ends in .png.");
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
