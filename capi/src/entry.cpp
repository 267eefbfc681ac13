#include "entry.h"

#include <medplib/core/current_error.h>

#include <string>

namespace medplib::capi {

namespace {

using core::ErrorCode;

static_assert(MEDPLIB_E_INVALID_ARG == static_cast<int>(ErrorCode::InvalidArgument));
static_assert(MEDPLIB_E_NOT_FOUND == static_cast<int>(ErrorCode::NotFound));
static_assert(MEDPLIB_E_FORMAT == static_cast<int>(ErrorCode::Format));
static_assert(MEDPLIB_E_OOM_HOST == static_cast<int>(ErrorCode::OutOfHostMemory));
static_assert(MEDPLIB_E_OOM_DEVICE == static_cast<int>(ErrorCode::OutOfDeviceMemory));
static_assert(MEDPLIB_E_DEVICE == static_cast<int>(ErrorCode::Device));
static_assert(MEDPLIB_E_CANCELLED == static_cast<int>(ErrorCode::Cancelled));
static_assert(MEDPLIB_E_CALLBACK == static_cast<int>(ErrorCode::Callback));
static_assert(MEDPLIB_E_VERSION == static_cast<int>(ErrorCode::Version));
static_assert(MEDPLIB_E_STATE == static_cast<int>(ErrorCode::State));
static_assert(MEDPLIB_E_UNSUPPORTED == static_cast<int>(ErrorCode::Unsupported));
static_assert(MEDPLIB_E_IO == static_cast<int>(ErrorCode::Io));
static_assert(MEDPLIB_E_INTERNAL == static_cast<int>(ErrorCode::Internal));

thread_local std::string last_text;
thread_local const char* last_error = "";

}  // namespace

void remember_error(const std::string& text) {
  last_text = text;
  last_error = last_text.c_str();
}

std::int32_t translate() noexcept {
  try {
    const core::Error error = core::current_error();
    remember_error(error.what());
    return static_cast<std::int32_t>(error.code());
  } catch (...) {  // there was no memory for the text itself
    last_error = "The machine is out of memory.";
    return MEDPLIB_E_OOM_HOST;
  }
}

}  // namespace medplib::capi

const char* medplib_last_error() { return medplib::capi::last_error; }

const char* medplib_error_name(std::int32_t code) {
  return code == MEDPLIB_OK ? "OK" : medplib::core::to_text(static_cast<medplib::core::ErrorCode>(code));
}
