// What EXIF says about a picture.
#pragma once

#include <cstddef>
#include <span>

namespace medplib::core {

// Where the first pixel belongs, 1 (as it is stored) to 8, of a block that begins with a TIFF header; 1 where
// the block says nothing or is damaged.
int exif_orientation(std::span<const std::byte> block);

}  // namespace medplib::core
