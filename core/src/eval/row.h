// From a record of the data to the question that an evaluation asks.
#pragma once

#include "data/records.h"

#include <medplib/core/eval.h>

namespace medplib::core {

// The record's first turn. Tasks "segment" and "absent" are asked by the structure's name, as a user would;
// all others in the record's own words.
EvalQuestion question_of(const Record& record);

}  // namespace medplib::core
