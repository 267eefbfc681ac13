#pragma once

#include <medplib/core/error.h>

namespace medplib::core {

// For logits that hold NaN or infinity, of words or of masks.
[[noreturn]] inline void fail_not_finite() {
  fail(ErrorCode::Format,
       "The model computed numbers that are not finite: its weights are damaged, or too large for "
       "this precision. See `medplib verify`.");
}

}  // namespace medplib::core
