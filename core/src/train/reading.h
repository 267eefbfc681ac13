// Errors of what a training reads, told from those of its work.
#pragma once

#include <medplib/core/current_error.h>
#include <medplib/core/train.h>

namespace medplib::core {

// Runs `read`; what it throws becomes the error of this input.
template <class Read>
auto reading(TrainInput input, const Read& read) {
  try {
    return read();
  } catch (...) {
    throw TrainInputError(input, current_error());
  }
}

}  // namespace medplib::core
