// What an error is about.
#pragma once

#include <medplib/core/current_error.h>
#include <medplib/core/error.h>

namespace medplib::core {

// Runs `read`; what it throws is about `subject`, unless it is known to be about another.
template <class Read>
auto reading(Subject subject, const Read& read) {
  try {
    return read();
  } catch (...) {
    Error error = current_error();
    if (error.subject() == Subject::None) error.set_subject(subject);
    throw error;
  }
}

}  // namespace medplib::core
