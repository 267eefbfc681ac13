#include "base/utf8.h"

#include <medplib/core/error.h>

namespace medplib::core {

Error::Error(ErrorCode code, const std::string& message)
    : std::runtime_error(replace_invalid_utf8(message)), code_(code) {}

const char* error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return "INVALID_ARG";
    case ErrorCode::NotFound:
      return "NOT_FOUND";
    case ErrorCode::Format:
      return "FORMAT";
    case ErrorCode::OutOfHostMemory:
      return "OOM_HOST";
    case ErrorCode::OutOfDeviceMemory:
      return "OOM_DEVICE";
    case ErrorCode::Device:
      return "DEVICE";
    case ErrorCode::Cancelled:
      return "CANCELLED";
    case ErrorCode::Callback:
      return "CALLBACK";
    case ErrorCode::Version:
      return "VERSION";
    case ErrorCode::State:
      return "STATE";
    case ErrorCode::Unsupported:
      return "UNSUPPORTED";
    case ErrorCode::Io:
      return "IO";
    case ErrorCode::Internal:
      return "INTERNAL";
  }
  return "UNKNOWN";
}

}  // namespace medplib::core
