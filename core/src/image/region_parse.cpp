#include <medplib/core/error.h>
#include <medplib/core/region.h>

#include <charconv>
#include <string_view>

namespace medplib::core {

namespace {

constexpr const char* kForms =
    "point:x,y  box:x0,y0,x1,y1  polygon:x,y,x,y,x,y…  scribble:x,y,x,y…  mask:FILE";

std::string_view trimmed(std::string_view text) {
  constexpr const char* spaces = " \t";
  const auto first = text.find_first_not_of(spaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

double number_of(std::string_view part, const std::string& text) {
  part = trimmed(part);
  double value = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
  if (error != std::errc() || end != part.data() + part.size())
    fail(ErrorCode::InvalidArgument, "\"", part, "\" in the region \"", text, "\" is not a number.");
  return value;
}

std::vector<double> numbers_of(std::string_view list, const std::string& text) {
  std::vector<double> numbers;
  while (true) {
    const auto comma = list.find(',');
    numbers.push_back(number_of(list.substr(0, comma), text));
    if (comma == std::string_view::npos) return numbers;
    list.remove_prefix(comma + 1);
  }
}

std::vector<cv::Point2d> points_of(const std::vector<double>& numbers, const std::string& text) {
  if (numbers.size() % 2 != 0)
    fail(ErrorCode::InvalidArgument, "The region \"", text, "\" has ", numbers.size(),
         " numbers; points need an even count: x,y,x,y…");
  std::vector<cv::Point2d> points;
  for (std::size_t i = 0; i < numbers.size(); i += 2) points.emplace_back(numbers[i], numbers[i + 1]);
  return points;
}

void check_count(const std::vector<double>& numbers, std::size_t wanted, const std::string& text) {
  if (numbers.size() != wanted)
    fail(ErrorCode::InvalidArgument, "The region \"", text, "\" has ", numbers.size(), " numbers instead of ",
         wanted, ".");
}

}  // namespace

Region Region::parse(const std::string& text, const ImageLimits& limits) {
  const std::string shown = shortened(text, 80);
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const bool known =
      kind == "point" || kind == "box" || kind == "polygon" || kind == "scribble" || kind == "mask";
  if (colon == std::string::npos || !known)
    fail(ErrorCode::InvalidArgument, "\"", shown, "\" is not a region. One is written as  ", kForms, " .");
  const std::string rest = text.substr(colon + 1);
  if (trimmed(rest).empty())
    fail(ErrorCode::InvalidArgument, "Nothing follows \"", kind, ":\". A region is written as  ", kForms,
         " .");
  if (kind == "mask") return mask_file(rest, limits);
  const std::vector<double> numbers = numbers_of(rest, shown);
  if (kind == "polygon") return polygon(points_of(numbers, shown));
  if (kind == "scribble") return scribble(points_of(numbers, shown));
  check_count(numbers, kind == "point" ? 2 : 4, shown);
  if (kind == "point") return point(numbers[0], numbers[1]);
  return box(numbers[0], numbers[1], numbers[2], numbers[3]);
}

}  // namespace medplib::core
