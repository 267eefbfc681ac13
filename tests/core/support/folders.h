// Where the tests find their files.
#pragma once

#include <filesystem>

namespace medplib::test {

// The checkout.
std::filesystem::path source_folder();
// Golden outputs of the published implementation: $MEDPLIB_GOLDENS, or the committed part in tests/goldens.
std::filesystem::path golden_root();
// The committed part, whatever the environment says: for tests that need any model or tokenizer.
std::filesystem::path committed_goldens();

}  // namespace medplib::test
