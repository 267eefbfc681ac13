// The vectors that stand for names of structures, where what draws and what answers are taught apart.
#pragma once

#include "train/setup.h"

#include <functional>

namespace medplib::core {

// A model has words for what it draws already: their vectors are taken from it and stand still, so that what
// draws and what answers can be taught apart and still understand each other. What no model has words for is
// learnt with objective "grounding". `between` is called before each picture and may throw. Errors of
// Subject::Data: Format (objective "language" pulls to a vector that nobody learnt).
void set_name_vectors(TrainingSetup& setup, const std::function<void()>& between);

}  // namespace medplib::core
