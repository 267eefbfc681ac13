// Results on their way out: a buffer of the caller, a struct of some version, bytes of their own.
#pragma once

#include "entry.h"
#include "handles.h"

#include <medplib/core/log.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace medplib::capi {

// Whether `size` elements are to be written to `buffer`; `needed` is told their number. Errors:
// InvalidArgument (they do not fit).
template <class T>
bool wants(T* buffer, std::size_t capacity, std::size_t size, std::size_t* needed) {
  if (needed != nullptr) *needed = size;
  if (buffer == nullptr && capacity == 0) return false;
  required(buffer, "buffer");
  if (capacity < size)
    core::fail(core::ErrorCode::InvalidArgument, "The buffer's capacity is ", capacity, ", but ", size,
               " is needed.");
  return true;
}

template <class T>
void copy_out(std::span<const T> values, T* buffer, std::size_t capacity, std::size_t* needed) {
  if (wants(buffer, capacity, values.size(), needed)) std::ranges::copy(values, buffer);
}

// Errors: InvalidArgument when no version of a struct can have this size. The limit keeps a size that was
// never set from being read up to.
void check_size(std::size_t struct_size);

// Fills the caller's struct, which may be shorter or longer than this library's.
template <class Struct>
void write_struct(Struct* target, const char* argument, std::size_t struct_size, Struct filled) {
  static_assert(std::is_trivially_copyable_v<Struct> && sizeof(Struct) % 8 == 0);
  required(target, argument);
  check_size(struct_size);
  filled.struct_size = struct_size;
  std::memset(target, 0, struct_size);
  std::memcpy(target, &filled, std::min(struct_size, sizeof filled));
}

// What there is no function to ask for goes to the log, which holds no name: "\"eye.jpg\" says …" is said of
// a file there.
inline void log_warnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings)
    core::log_warning(warning.starts_with('"') ? "A file" + warning.substr(warning.rfind('"') + 1) : warning);
}

inline medplib_bytes* bytes_of(std::string bytes) { return new medplib_bytes{std::move(bytes)}; }

}  // namespace medplib::capi
