#include "data/picture_name.h"

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace medplib::core {
namespace {

// Of the names' beginnings those that aren't the modality's own word.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kSpelt = {
    {{"ct", "CT"}, {"mr", "MR"}, {"pet", "PET"}, {"x", "X-ray"}}};

std::string modality_of(std::string_view beginning) {
  for (const auto& [short_form, word] : kSpelt)
    if (beginning == short_form) return std::string(word);
  return std::string(beginning);
}

}  // namespace

PictureName parse_picture_name(const std::filesystem::path& image) {
  constexpr std::string_view between = "--";
  const std::string name = image.filename().string();
  const std::size_t first = name.find(between), from = first + between.size();
  const std::size_t second = first == std::string::npos ? first : name.find(between, from);
  const std::size_t third =
      second == std::string::npos ? second : name.find(between, second + between.size());
  const std::size_t beginning = name.find('_');
  if (third == std::string::npos || beginning == 0 || beginning > first || second == from) return {};
  return {.modality = modality_of(std::string_view(name).substr(0, beginning)),
          .set = name.substr(from, second - from)};
}

}  // namespace medplib::core
