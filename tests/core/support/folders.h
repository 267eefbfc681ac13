// Where the tests find their files.
#pragma once

#include <filesystem>
#include <string>

namespace medplib::test {

// The checkout.
std::filesystem::path source_folder();
// Golden outputs of the published implementation: $MEDPLIB_GOLDENS, or the committed part in tests/goldens.
std::filesystem::path golden_root();
// A file or folder of it, such as "cases/index.json". A set need not have all that others have: the test that
// asks for what isn't there ends here, skipped.
std::filesystem::path golden(const std::filesystem::path& name);
// The same of a model folder, which is of no use without its configuration, its tokenizer and all its
// weights.
std::filesystem::path golden_model(const std::filesystem::path& name);
// Ends the test under way here, skipped, from whatever depth it is called.
[[noreturn]] void skip(const std::string& why);
// The committed part, whatever the environment says: for tests that need any model or tokenizer.
std::filesystem::path committed_goldens();

}  // namespace medplib::test
