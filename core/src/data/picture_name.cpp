#include "data/picture_name.h"

#include <medplib/core/check.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace medplib::core {
namespace {

// Other words for modalities: of the names' beginnings, and of records that medplib.data makes.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kOtherWords = {
    {{"x", "X-ray"}, {"mri", "MR"}, {"fundus photograph", "fundus"}}};

std::string in_lower_case(std::string_view word) {
  std::string lower(word);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  return lower;
}

}  // namespace

std::string published_modality(const std::string& word) {
  const std::string lower = in_lower_case(word);
  for (const auto& [other, published] : kOtherWords)
    if (lower == other) return std::string(published);
  for (const char* published : kPublishedModalities)
    if (lower == in_lower_case(published)) return published;
  return word;
}

PictureName parse_picture_name(const std::filesystem::path& image) {
  constexpr std::string_view between = "--";
  const std::string name = image.filename().string();
  const std::size_t first = name.find(between), from = first + between.size();
  const std::size_t second = first == std::string::npos ? first : name.find(between, from);
  const std::size_t third =
      second == std::string::npos ? second : name.find(between, second + between.size());
  const std::size_t beginning = name.find('_');
  if (third == std::string::npos || beginning == 0 || beginning > first || second == from) return {};
  return {.modality = published_modality(name.substr(0, beginning)), .set = name.substr(from, second - from)};
}

}  // namespace medplib::core
