// Option structs across versions: the caller's may be shorter or longer than this library's.
#pragma once

#include "entry.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace medplib::capi {

// The struct with every default, its size included.
template <class Options>
Options defaults();
template <>
medplib_load_options defaults();
template <>
medplib_session_options defaults();
template <>
medplib_ask_options defaults();

// Errors: InvalidArgument when no version of a struct can have this size. The limit keeps a size that was
// never set from being read up to.
void check_size(std::size_t struct_size);
// Errors: Version when one of the bytes is set: they ask for what this library does not know.
void check_unknown_bytes(const void* bytes, std::size_t count);

template <class Options>
void write_defaults(Options* options, std::size_t struct_size) {
  required(options, "options");
  check_size(struct_size);
  Options filled = defaults<Options>();
  filled.struct_size = struct_size;
  std::memset(options, 0, struct_size);
  std::memcpy(options, &filled, std::min(struct_size, sizeof filled));
}

// The caller's options, completed by the defaults; NULL stands for all of them.
// Errors: InvalidArgument (struct_size was never set), Version.
template <class Options>
Options completed(const Options* given) {
  static_assert(std::is_trivially_copyable_v<Options> && sizeof(Options) % 8 == 0);
  Options options = defaults<Options>();
  if (given == nullptr) return options;
  check_size(given->struct_size);
  const std::size_t known = std::min(given->struct_size, sizeof options);
  std::memcpy(&options, given, known);
  const auto* bytes = reinterpret_cast<const std::byte*>(given);
  check_unknown_bytes(bytes + known, given->struct_size - known);
  return options;
}

}  // namespace medplib::capi
