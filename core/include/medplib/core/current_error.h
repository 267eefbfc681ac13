// Any exception as one of ours: for the interfaces (C, Python, command line), which must let no other type of
// exception out.
#pragma once

#include <medplib/core/error.h>

namespace medplib::core {

// The exception under way, sorted into the engine's codes. Call it inside a catch block.
Error current_error();

}  // namespace medplib::core
