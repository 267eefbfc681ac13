#include "data/records.h"

#include <medplib/core/current_error.h>
#include <medplib/core/eval.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

namespace medplib::core {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kImageTag = "<image>", kRegionTag = "<region></region>", kSegTag = "<SEG>";

// The first paths, one for each tag in the text.
std::vector<fs::path> paths_of(const std::vector<fs::path>& paths, const std::string& text,
                               std::string_view tag) {
  std::size_t count = 0;
  for (std::size_t at = text.find(tag); at != std::string::npos; at = text.find(tag, at + tag.size()))
    ++count;
  return {paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(std::min(count, paths.size()))};
}

std::string without_image_tag(std::string text) {
  if (const std::size_t at = text.find(kImageTag); at != std::string::npos) text.erase(at, kImageTag.size());
  constexpr const char* white_space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(white_space);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

cv::Mat target_of(const fs::path& path) {
  return std::get<Region::MaskShape>(Region::mask_file(path).shape()).mask;
}

std::vector<Overlap> overlaps_of(const std::vector<Mask>& masks, const std::vector<cv::Mat>& targets) {
  std::vector<Overlap> overlaps;
  for (std::size_t i = 0; i < targets.size(); ++i)
    overlaps.push_back(overlap_of(
        i < masks.size() ? masks[i].binary() : cv::Mat::zeros(targets[i].size(), CV_8UC1), targets[i]));
  return overlaps;
}

}  // namespace

EvalQuestion question_of(const std::string& json, const fs::path& folder) {
  const Record record = parse_record(json, folder);
  const Turn& turn = record.turns.front();
  const bool by_name = record.task == "segment" || record.task == "absent";
  return {.id = record.id,
          .phrase = by_name ? record.structure : "",
          .text = without_image_tag(turn.question),
          .regions = paths_of(record.regions, turn.question, kRegionTag),
          .targets = paths_of(record.masks, turn.answer, kSegTag)};
}

EvalRow evaluate(Session& session, const EvalQuestion& question, const AskOptions& options) {
  EvalRow row{.id = question.id, .outcome = {}, .overlaps = {}};
  try {
    std::vector<cv::Mat> targets;
    for (const auto& path : question.targets) targets.push_back(target_of(path));
    AskOptions asked = options;
    for (const auto& path : question.regions) asked.regions.push_back(Region::mask_file(path));
    Answer answer =
        question.phrase.empty() ? session.ask(question.text, asked) : session.segment(question.phrase, asked);
    row.overlaps = overlaps_of(answer.masks, targets);
    row.outcome = std::move(answer);
  } catch (...) {
    const Error error = current_error();
    if (error.code() == ErrorCode::Cancelled) throw;
    row.outcome = error;
  }
  return row;
}

}  // namespace medplib::core
