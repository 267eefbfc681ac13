#include "image/exif.h"

#include <cstdint>
#include <string_view>

namespace medplib::core {
namespace {

// Reads numbers in the byte order that the block names; 0 beyond its end.
class Block {
 public:
  explicit Block(std::span<const std::byte> bytes)
      : bytes_(bytes), big_endian_(!bytes.empty() && bytes[0] == std::byte{'M'}) {}

  std::uint32_t number(std::size_t at, std::size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[at + (big_endian_ ? i : size - 1 - i)]);
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  bool big_endian_;
};

// Of BYTE, SHORT and LONG, which all occur; 0 of others, which no orientation has.
std::size_t size_of_type(std::uint32_t type) { return type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0; }

}  // namespace

int exif_orientation(std::span<const std::byte> bytes) {
  constexpr std::uint32_t kTag = 0x0112;
  constexpr std::string_view kPrefix("Exif\0\0", 6);  // JPEG's, which some write into PNG as well
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const Block block(text.starts_with(kPrefix) ? bytes.subspan(kPrefix.size()) : bytes);
  const std::size_t directory = block.number(4, 4), entries = block.number(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (block.number(entry, 2) != kTag) continue;
    const std::uint32_t value = block.number(entry + 8, size_of_type(block.number(entry + 2, 2)));
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace medplib::core
