#include <medplib/core/runtime.h>

namespace medplib::core {

std::string version() { return MEDPLIB_VERSION; }

}  // namespace medplib::core
