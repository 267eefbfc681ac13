// Reads a picture's EXIF data.
#pragma once

#include <cstddef>
#include <span>

namespace medplib::core {

// Returns the orientation in a block that begins with a TIFF header: 1 (as stored) to 8; 1 where the block
// says nothing or is damaged.
int exif_orientation(std::span<const std::byte> block);

}  // namespace medplib::core
