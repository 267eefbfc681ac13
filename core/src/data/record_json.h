// The JSON of one record.
#pragma once

#include "base/json.h"

#include <string>
#include <string_view>

namespace medplib::core {

// Published lists have numbers where texts are meant: those of "id" and "value" become texts, letter by
// letter as they are written, however long. Errors: Format (not JSON, or nested too deep); `where` begins the
// sentence.
Json parse_record_json(std::string_view text, const std::string& where);

}  // namespace medplib::core
