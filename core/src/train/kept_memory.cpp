#include "train/kept_memory.h"

#include <malloc.h>

namespace medplib::core {

KeptMemory::KeptMemory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
}

// glibc adjusts its thresholds until a program sets one, and can't be told to adjust them again: they become
// what they end at in a program with large blocks. M_MMAP_MAX becomes its default.
KeptMemory::~KeptMemory() {
  constexpr int most_adjusted = 32 << 20;
  mallopt(M_MMAP_MAX, 65536);
  mallopt(M_MMAP_THRESHOLD, most_adjusted);
  mallopt(M_TRIM_THRESHOLD, 2 * most_adjusted);
  malloc_trim(0);
}

}  // namespace medplib::core
