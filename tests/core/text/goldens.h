// The golden outputs of the published tokenizer.
#pragma once

#include "base/json.h"
#include "support/folders.h"
#include "text/tokenizer.h"

#include <medplib/core/error.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

namespace medplib::core::test {

using medplib::test::golden_root;

// For tests that need any tokenizer.
inline std::filesystem::path tiny_tokenizer_folder() {
  return medplib::test::committed_goldens() / "tokenizer" / "tiny_tokenizer";
}

inline const Tokenizer& tiny_tokenizer() {
  static const Tokenizer tokenizer = Tokenizer::load(tiny_tokenizer_folder());
  return tokenizer;
}

// The folder of the golden set's tokenizer of this name; that of LLaMA is not in the set.
inline std::optional<std::filesystem::path> tokenizer_folder(const std::string& name) {
  if (name == "tiny") {
    for (const char* file : {"tokenizer.model", "added_tokens.json"})
      (void)medplib::test::golden(std::filesystem::path("tokenizer/tiny_tokenizer") / file);
    return golden_root() / "tokenizer" / "tiny_tokenizer";
  }
  if (const char* folder = std::getenv("MEDPLIB_LLAMA_TOKENIZER"); name == "llama" && folder != nullptr)
    return folder;
  return std::nullopt;
}

inline constexpr const char* kNoLlama =
    "MEDPLIB_LLAMA_TOKENIZER does not name a folder with the public LLaMA tokenizer.model and "
    "added_tokens.json";

inline std::vector<TokenId> ids_of(const Json& array) { return array.get<std::vector<TokenId>>(); }

// A folder of its own for one test, with a copy of the tiny tokenizer in it.
class TokenizerFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) /
              text_of("medplib-", test->test_suite_name(), "-", test->name(), "-", ::getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::copy(tiny_tokenizer_folder(), folder_);
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
    for (const auto& file : std::filesystem::directory_iterator(folder_))
      std::filesystem::permissions(file, std::filesystem::perms::owner_write,
                                   std::filesystem::perm_options::add);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

}  // namespace medplib::core::test
