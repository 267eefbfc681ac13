// How each function of the C interface is entered: nothing is thrown out of it, no pointer is trusted.
#pragma once

#include "medplib.h"

#include <medplib/core/error.h>

#include <cstdint>
#include <string>

namespace medplib::capi {

// The exception under way as a code; its text is medplib_last_error()'s from now on. Call it inside a catch
// block.
std::int32_t translate() noexcept;

// Makes the text medplib_last_error()'s. Errors: bad_alloc.
void remember_error(const std::string& text);

// Runs the body of an entry.
template <class Body>
std::int32_t guarded(const Body& body) noexcept {
  try {
    body();
    return MEDPLIB_OK;
  } catch (...) {
    return translate();
  }
}

// The object behind a pointer of the caller. Errors: InvalidArgument, naming the argument.
template <class T>
T& required(T* pointer, const char* argument) {
  if (pointer == nullptr)
    core::fail(core::ErrorCode::InvalidArgument, "The argument ", argument, " is NULL.");
  return *pointer;
}

// Where a handle goes: NULL until all went well.
template <class Handle>
Handle*& output(Handle** pointer, const char* argument) {
  Handle*& handle = required(pointer, argument);
  handle = nullptr;
  return handle;
}

}  // namespace medplib::capi
