#include "options.h"

#include <medplib/core/runtime.h>

#include <algorithm>

namespace medplib::capi {

using core::ErrorCode;
using core::fail;

template <>
medplib_load_options defaults() {
  return {sizeof(medplib_load_options), "auto", MEDPLIB_PRECISION_FLOAT32, 0};
}

template <>
medplib_session_options defaults() {
  return {sizeof(medplib_session_options), MEDPLIB_CONTEXT_OF_MODEL, MEDPLIB_COMPAT_NONE, 0};
}

template <>
medplib_ask_options defaults() {
  medplib_ask_options options = {};
  options.struct_size = sizeof options;
  options.top_p = 1;
  options.threshold = MEDPLIB_THRESHOLD_OF_MODEL;
  options.max_new_tokens = 512;
  return options;
}

void check_size(std::size_t struct_size) {
  constexpr std::size_t largest = 4096;
  if (struct_size < sizeof struct_size || struct_size > largest || struct_size % 8 != 0)
    fail(ErrorCode::InvalidArgument, "struct_size ", struct_size,
         " is no size of an options struct: call its init function with sizeof first.");
}

void check_unknown_bytes(const void* bytes, std::size_t count) {
  const auto* first = static_cast<const std::byte*>(bytes);
  if (std::any_of(first, first + count, [](std::byte byte) { return byte != std::byte{0}; }))
    fail(ErrorCode::Version, "The options have something set that libmedplib ", core::version(),
         " does not know: leave reserved fields 0, or use a newer library.");
}

}  // namespace medplib::capi

std::int32_t medplib_load_options_init(medplib_load_options* options, std::size_t struct_size) {
  return medplib::capi::guarded([&] { medplib::capi::write_defaults(options, struct_size); });
}

std::int32_t medplib_session_options_init(medplib_session_options* options, std::size_t struct_size) {
  return medplib::capi::guarded([&] { medplib::capi::write_defaults(options, struct_size); });
}

std::int32_t medplib_ask_options_init(medplib_ask_options* options, std::size_t struct_size) {
  return medplib::capi::guarded([&] { medplib::capi::write_defaults(options, struct_size); });
}
