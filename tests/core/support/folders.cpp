#include "support/folders.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <source_folder.h>

namespace medplib::test {

namespace fs = std::filesystem;

fs::path source_folder() { return MEDPLIB_SOURCE_FOLDER; }

fs::path golden_root() {
  // Once: a relative path begins where the program was started.
  static const fs::path root = [] {
    const char* elsewhere = std::getenv("MEDPLIB_GOLDENS");
    return elsewhere != nullptr && *elsewhere != '\0' ? fs::absolute(elsewhere) : committed_goldens();
  }();
  return root;
}

fs::path golden(const fs::path& name) {
  fs::path path = golden_root() / name;
  if (!fs::exists(path))
    skip("The golden set has no " + path.lexically_relative(golden_root()).string() + ".");
  return path;
}

fs::path golden_model(const fs::path& name) {
  fs::path folder = golden(name);
  for (const char* file : {"config.json", "tokenizer.model", "added_tokens.json"})
    (void)golden(folder / file);
  if (fs::exists(folder / "model.safetensors")) return folder;
  std::ifstream index(golden(folder / "model.safetensors.index.json"));
  const nlohmann::json names = nlohmann::json::parse(index);
  for (const auto& [tensor, shard] : names.at("weight_map").items())
    (void)golden(folder / shard.get<std::string>());
  return folder;
}

void skip(const std::string& why) {
  [&] { GTEST_SKIP() << why; }();
  // What gtest takes for a result that was told already.
  throw testing::AssertionException({testing::TestPartResult::kSkip, __FILE__, __LINE__, why.c_str()});
}

fs::path committed_goldens() { return source_folder() / "tests" / "goldens"; }

}  // namespace medplib::test
