// Option structs across versions: the caller's may be shorter or longer than this library's.
#pragma once

#include "results.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace medplib::capi {

// The struct with every default, its size included.
template <class Options>
Options defaults();
template <>
medplib_load_options defaults();
template <>
medplib_image_options defaults();
template <>
medplib_session_options defaults();
template <>
medplib_ask_options defaults();
template <>
medplib_refine_options defaults();

// Errors: Version when one of the bytes is set: they ask for what this library does not know.
void check_unknown_bytes(const void* bytes, std::size_t count);

template <class Options>
std::int32_t init(Options* options, std::size_t struct_size) noexcept {
  return guarded([&] { write_struct(options, "options", struct_size, defaults<Options>()); });
}

// The caller's options, completed by the defaults; NULL stands for all of them.
// Errors: InvalidArgument (struct_size was never set), Version.
template <class Options>
Options completed(const Options* given) {
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
