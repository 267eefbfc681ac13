#include "callbacks.h"

namespace medplib::capi {

void fail_callback(const char* name, std::int32_t returned) {
  core::fail(core::ErrorCode::Callback, "The callback ", name, " returned ", returned,
             ", which is not one of the values that medplib.h names for it.");
}

}  // namespace medplib::capi
