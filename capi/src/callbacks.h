// Callbacks of the caller: what they return, and what may come out of them.
#pragma once

#include "entry.h"

#include <medplib/core/error.h>

#include <cstdint>
#include <exception>

namespace medplib::capi {

[[noreturn]] void fail_callback(const char* name, std::int32_t returned);

// What the callback returned. Errors: Callback, when it threw, which only a C++ caller's can.
template <class Call>
std::int32_t called(const char* name, const Call& call) {
  try {
    return call();
  } catch (const std::exception& error) {
    core::fail(core::ErrorCode::Callback, "The callback ", name, " threw: ", error.what());
  } catch (...) {
    core::fail(core::ErrorCode::Callback, "The callback ", name, " threw an exception.");
  }
}

// The same of a callback that may only go on or cancel: whether to go on. Errors: Callback.
template <class Call>
bool goes_on(const char* name, const Call& call) {
  const std::int32_t returned = called(name, call);
  if (returned != MEDPLIB_CONTINUE && returned != MEDPLIB_CANCEL) fail_callback(name, returned);
  return returned == MEDPLIB_CONTINUE;
}

}  // namespace medplib::capi
