// Patterns of parameters' names: "sam.encoder", "language.layers.*.ffn".
#pragma once

#include <string>
#include <vector>

namespace medplib::core {

// Whether a name is the pattern or begins with it and a dot. A * stands for any characters.
bool matches(const std::string& name, const std::string& pattern);
bool matches_any(const std::string& name, const std::vector<std::string>& patterns);

}  // namespace medplib::core
