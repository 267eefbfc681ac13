// A step's batch in parts, which are computed one after the other to need less memory.
#pragma once

#include "train/batch.h"

#include <cstdint>
#include <vector>

namespace medplib::core {

// How much there is of what losses are means over.
struct BatchCounts {
  std::int64_t images = 0;
  std::int64_t tokens = 0;    // that have a label
  std::int64_t targets = 0;   // masks
  std::int64_t nonempty = 0;  // masks with something in them
};
BatchCounts counts_of(const Batch& batch);

// The same images, in order, in `parts` batches (or one an image, when there are fewer) as even as can be.
std::vector<Batch> split(const Batch& batch, std::int64_t parts);

}  // namespace medplib::core
