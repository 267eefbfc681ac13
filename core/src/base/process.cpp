#include "base/process.h"

#include <medplib/core/error.h>

#include <unistd.h>

namespace medplib::core {

void check_not_forked() {
  static const pid_t owner = getpid();
  if (getpid() != owner)
    fail(ErrorCode::State,
         "This process was forked after the engine had computed in its parent, and would hang. Start "
         "workers with spawn instead of fork.");
}

}  // namespace medplib::core
