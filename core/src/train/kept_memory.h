// The heap of a training.
#pragma once

namespace medplib::core {

// While it lives, freed memory stays with the process: each step needs what the one before needed, and giving
// it back to the system and fetching it anew would cost up to a tenth of the time. Then it is given back, and
// the process, which may be another program's, frees memory as before.
class KeptMemory {
 public:
  KeptMemory();
  ~KeptMemory();
  KeptMemory(const KeptMemory&) = delete;
  KeptMemory& operator=(const KeptMemory&) = delete;
};

}  // namespace medplib::core
