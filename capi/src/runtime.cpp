// The library as a whole: versions, threads, log.
#include "entry.h"

#include <medplib/core/log.h>
#include <medplib/core/runtime.h>

#include <string>
#include <utility>

using namespace medplib::capi;
using medplib::core::LogLevel;

static_assert(MEDPLIB_LOG_DEBUG == static_cast<int>(LogLevel::Debug));
static_assert(MEDPLIB_LOG_INFO == static_cast<int>(LogLevel::Info));
static_assert(MEDPLIB_LOG_WARNING == static_cast<int>(LogLevel::Warning));
static_assert(MEDPLIB_LOG_ERROR == static_cast<int>(LogLevel::Error));
static_assert(MEDPLIB_LOG_SILENT == static_cast<int>(LogLevel::Silent));

const char* medplib_version() {
  static const std::string version = medplib::core::version();
  return version.c_str();
}

std::int32_t medplib_abi_version() { return MEDPLIB_ABI_VERSION; }

const char* medplib_build_info_json() {
  const char* text = "{}";  // when there is no memory for more
  guarded([&] {
    static const std::string info = medplib::core::build_info_json();
    text = info.c_str();
  });
  return text;
}

std::int32_t medplib_set_threads(std::int32_t threads) {
  return guarded([&] { medplib::core::set_threads(threads); });
}

std::int32_t medplib_threads() {
  std::int32_t threads = 0;
  const std::int32_t status = guarded([&] { threads = medplib::core::threads(); });
  return status == MEDPLIB_OK ? threads : status;
}

std::int32_t medplib_set_log(std::int32_t least, medplib_log_callback callback, void* user) {
  return guarded([&] {
    if (least < MEDPLIB_LOG_DEBUG || least > MEDPLIB_LOG_SILENT)
      medplib::core::fail(medplib::core::ErrorCode::InvalidArgument, "The log level ", least,
                          " is none of MEDPLIB_LOG_DEBUG … MEDPLIB_LOG_SILENT.");
    medplib::core::LogCallback log;
    if (callback != nullptr)
      log = [callback, user](LogLevel level, const std::string& message) {
        callback(user, static_cast<std::int32_t>(level), message.c_str());
      };
    medplib::core::set_log(static_cast<LogLevel>(least), std::move(log));
  });
}
