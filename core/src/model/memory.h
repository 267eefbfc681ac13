// What memory a process with a model takes, told from shapes.
#pragma once

#include "nn/config.h"
#include "weights/checkpoint.h"

#include <medplib/core/model.h>

#include <c10/core/Device.h>

#include <vector>

namespace medplib::core {

// For the parameters and buffers `all` of the network, taken from the checkpoint as it was opened: at its
// type, on its device. `element_bytes`: of the type that is computed in. `context`: tokens of the session.
MemoryInfo memory_of(const std::vector<ParameterSpec>& all, const Checkpoint& checkpoint,
                     const ModelConfig& config, std::int64_t element_bytes, std::int64_t context);

}  // namespace medplib::core
