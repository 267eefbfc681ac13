// Writing a model folder as a whole.
#pragma once

#include <filesystem>
#include <functional>

namespace medplib::core {

// Has `write` fill a folder beside `folder`, and puts it in the place of what stands there. When anything
// fails, that stays as it was, and nothing is left. Errors: Io, and those of `write`.
void write_folder(const std::filesystem::path& folder,
                  const std::function<void(const std::filesystem::path& fresh)>& write);

// Copies the tokenizer of one model folder to another. Errors: NotFound, Io.
void copy_tokenizer(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace medplib::core
