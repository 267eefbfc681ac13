// The model folder that a training leaves.
#pragma once

#include "train/setup.h"

namespace medplib::core {

// `averaged`: what was trained; all else is taken as it is. Written beside `folder` and renamed, so that
// what stands there is whole. Errors: Io.
void write_model(const TrainingSetup& setup, const NamedTensors& averaged,
                 const std::filesystem::path& folder);

}  // namespace medplib::core
