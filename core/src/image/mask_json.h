// A mask as JSON, to stand in that of an answer.
#pragma once

#include "base/json.h"

#include <medplib/core/mask.h>

namespace medplib::core {

Json json_of(const Mask& mask);

}  // namespace medplib::core
