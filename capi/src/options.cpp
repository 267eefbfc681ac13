#include "options.h"

#include <medplib/core/runtime.h>

#include <algorithm>

namespace medplib::capi {

using core::ErrorCode;
using core::fail;

namespace {

template <class Options>
Options zeroed() {
  Options options = {};
  options.struct_size = sizeof options;
  return options;
}

}  // namespace

template <>
medplib_load_options defaults() {
  auto options = zeroed<medplib_load_options>();
  options.device = "auto";
  options.precision = MEDPLIB_PRECISION_FLOAT32;
  return options;
}

template <>
medplib_image_options defaults() {
  auto options = zeroed<medplib_image_options>();
  options.max_bytes = core::ImageLimits{}.max_bytes;
  options.max_pixels = core::ImageLimits{}.max_pixels;
  options.sixteen_bit = MEDPLIB_SIXTEEN_BIT_WINDOW;
  return options;
}

template <>
medplib_session_options defaults() {
  auto options = zeroed<medplib_session_options>();
  options.context = MEDPLIB_CONTEXT_OF_MODEL;
  options.compat = MEDPLIB_COMPAT_NONE;
  return options;
}

template <>
medplib_ask_options defaults() {
  auto options = zeroed<medplib_ask_options>();
  options.top_p = 1;
  options.threshold = MEDPLIB_THRESHOLD_OF_MODEL;
  options.max_new_tokens = core::AskOptions{}.max_new_tokens;
  return options;
}

template <>
medplib_refine_options defaults() {
  auto options = zeroed<medplib_refine_options>();
  options.threshold = MEDPLIB_THRESHOLD_OF_MODEL;
  return options;
}

void check_size(std::size_t struct_size) {
  constexpr std::size_t largest = 4096;
  if (struct_size < sizeof struct_size || struct_size > largest || struct_size % 8 != 0)
    fail(ErrorCode::InvalidArgument, "struct_size ", struct_size,
         " is no size of a struct of medplib: pass its sizeof, to the init function first.");
}

void check_unknown_bytes(const void* bytes, std::size_t count) {
  const auto* first = static_cast<const std::byte*>(bytes);
  if (std::any_of(first, first + count, [](std::byte byte) { return byte != std::byte{0}; }))
    fail(ErrorCode::Version, "The options have something set that libmedplib ", core::version(),
         " does not know: leave reserved fields 0, or use a newer library.");
}

}  // namespace medplib::capi

std::int32_t medplib_load_options_init(medplib_load_options* options, std::size_t struct_size) {
  return medplib::capi::init(options, struct_size);
}

std::int32_t medplib_image_options_init(medplib_image_options* options, std::size_t struct_size) {
  return medplib::capi::init(options, struct_size);
}

std::int32_t medplib_session_options_init(medplib_session_options* options, std::size_t struct_size) {
  return medplib::capi::init(options, struct_size);
}

std::int32_t medplib_ask_options_init(medplib_ask_options* options, std::size_t struct_size) {
  return medplib::capi::init(options, struct_size);
}

std::int32_t medplib_refine_options_init(medplib_refine_options* options, std::size_t struct_size) {
  return medplib::capi::init(options, struct_size);
}
