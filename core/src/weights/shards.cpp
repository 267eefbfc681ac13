#include "weights/shards.h"

#include "base/json.h"
#include "base/paths.h"

#include <medplib/core/error.h>
#include <medplib/core/weights.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iomanip>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace medplib::core {

namespace fs = std::filesystem;

namespace {

constexpr const char* kIndexFile = "model.safetensors.index.json";

// One of NAME-00001-of-00003.safetensors, NAME-00002-of-….
struct Shard {
  std::string name;  // "model"
  int number, of;
};

std::optional<Shard> shard_of(std::string_view file) {
  constexpr std::string_view pattern = "-00001-of-00001.safetensors";
  constexpr std::size_t kDigits = 5, kOf = kDigits + std::string_view("-of-").size();
  if (file.size() <= pattern.size()) return std::nullopt;
  const std::string_view name = file.substr(0, file.size() - pattern.size());
  const std::string_view end = file.substr(name.size());
  for (std::size_t i = 0; i < end.size(); ++i) {
    const bool digit = pattern[i] == '0' || pattern[i] == '1';
    if (digit ? end[i] < '0' || end[i] > '9' : end[i] != pattern[i]) return std::nullopt;
  }
  Shard shard{.name = std::string(name), .number = 0, .of = 0};
  const char* const numbers = end.data() + 1;
  std::from_chars(numbers, numbers + kDigits, shard.number);
  std::from_chars(numbers + kOf, numbers + kOf + kDigits, shard.of);
  if (shard.number < 1 || shard.number > shard.of) return std::nullopt;
  return shard;
}

std::string name_of(const std::string& name, int number, int of) {
  return text_of(name, std::setfill('0'), "-", std::setw(5), number, "-of-", std::setw(5), of,
                 ".safetensors");
}

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::ranges::any_of(endings, [&](std::string_view ending) { return name.ends_with(ending); });
}

bool is_pickled(std::string_view name) { return ends_with_any(name, {".bin", ".pt", ".pth", ".ckpt"}); }

bool is_of_weights(std::string_view name) {
  return is_pickled(name) ||
         ends_with_any(name, {".safetensors", ".bin.index.json", ".safetensors.index.json"});
}

std::set<std::string> weights_in(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    std::string name = entry->path().filename().string();
    if (is_of_weights(name)) names.insert(std::move(name));
  }
  if (failed) fail(ErrorCode::Io, folder, " cannot be read: ", failed.message(), ".");
  return names;
}

// What the index says; nothing where it is of other files than safetensors, under another name.
std::map<std::string, std::string> read_index(const fs::path& file) {
  auto index = required<std::map<std::string, std::string>>(read_json(file), "weight_map", file.string());
  const bool of_pickled =
      std::ranges::any_of(index, [](const auto& entry) { return is_pickled(entry.second); });
  return of_pickled ? std::map<std::string, std::string>() : std::move(index);
}

[[noreturn]] void fail_missing(const fs::path& folder, std::vector<std::string> missing,
                               const std::string& who) {
  const bool one = missing.size() == 1;
  const std::string sentence =
      text_of(one ? "The shard " : text_of(missing.size(), " shards are missing: "), first_five(missing),
              one ? " is missing" : "", " in ", folder, ", of ", who, ". Was the download complete?");
  throw Error(ErrorCode::NotFound, sentence, std::move(missing));
}

std::vector<fs::path> named_by_index(const fs::path& folder, const WeightFiles& weights) {
  std::set<std::string> names;
  for (const auto& [tensor, file] : weights.index) names.insert(file);
  std::vector<fs::path> files;
  std::vector<std::string> missing;
  for (const std::string& name : names) {
    files.push_back(path_inside(folder, name, weights.index_file.string()));
    std::error_code ignored;
    if (!fs::exists(files.back(), ignored)) missing.push_back(name);
  }
  if (!missing.empty())
    fail_missing(folder, std::move(missing), text_of("those that ", kIndexFile, " names"));
  return files;
}

// The folder's one set of shards; none where it has no shard.
std::vector<fs::path> whole_set(const fs::path& folder, const std::set<std::string>& names) {
  std::map<std::pair<std::string, int>, std::set<int>> sets;  // name and count → numbers that are there
  for (const std::string& name : names)
    if (const auto shard = shard_of(name)) sets[{shard->name, shard->of}].insert(shard->number);
  if (sets.empty()) return {};
  if (sets.size() > 1) {
    std::vector<std::string> several;
    for (const auto& [set, numbers] : sets)
      several.push_back(name_of(set.first, *numbers.begin(), set.second));
    const std::string sentence =
        text_of(folder, " holds shards of ", sets.size(), " sets: ", first_five(several),
                ". Keep those of one, or add the ", kIndexFile, " that names them.");
    throw Error(ErrorCode::Format, sentence, std::move(several));
  }
  const auto& [set, numbers] = *sets.begin();
  std::vector<fs::path> files;
  std::vector<std::string> missing;
  for (int number = 1; number <= set.second; ++number) {
    const std::string name = name_of(set.first, number, set.second);
    numbers.contains(number) ? files.push_back(folder / name) : missing.push_back(name);
  }
  if (!missing.empty()) fail_missing(folder, std::move(missing), text_of("the set of ", set.second));
  return files;
}

[[noreturn]] void fail_without_weights(const fs::path& folder, const std::set<std::string>& names) {
  std::vector<std::string> others;
  std::ranges::copy_if(names, std::back_inserter(others), is_pickled);
  if (others.empty())
    fail(ErrorCode::NotFound, folder, " holds no weights: neither ", kSingleFile, " nor ", kIndexFile,
         " nor model-00001-of-0000N.safetensors. Is it a model's folder, and the download complete?");
  const std::string sentence =
      text_of(folder, " holds its weights in ", first_five(others),
              " alone, which could run code when they are read. Save them as safetensors.");
  throw Error(ErrorCode::NotFound, sentence, std::move(others));
}

}  // namespace

WeightFiles find_weights(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    fail(ErrorCode::NotFound, folder, " is not a folder. Name a model's folder.");
  WeightFiles weights;
  std::set<std::string> names = weights_in(folder);
  if (names.contains(kSingleFile)) {
    weights.read = {folder / kSingleFile};
  } else {
    if (names.contains(kIndexFile)) {
      weights.index_file = folder / kIndexFile;
      weights.index = read_index(weights.index_file);
    }
    weights.read = weights.index.empty() ? whole_set(folder, names) : named_by_index(folder, weights);
  }
  if (weights.read.empty()) fail_without_weights(folder, names);
  for (const fs::path& file : weights.read) names.erase(file.filename().string());
  if (!weights.index.empty()) names.erase(kIndexFile);
  weights.left_alone.assign(names.begin(), names.end());
  return weights;
}

std::string words_of(const WeightsInfo& weights) {
  return text_of(weights.tensors, weights.tensors == 1 ? " tensor, " : " tensors, ", std::fixed,
                 std::setprecision(1), static_cast<double>(weights.bytes) / 1e6, " MB, of ",
                 first_five(weights.files));
}

}  // namespace medplib::core
