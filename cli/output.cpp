#include "output.h"

#include <medplib/core/files.h>

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <unistd.h>

namespace medplib::cli {

namespace fs = std::filesystem;
using core::ErrorCode;
using core::fail;

namespace {

std::string replace_all(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

void check_writable(const fs::path& file) {
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) fail(ErrorCode::InvalidArgument, file, " is a folder; name a file.");
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, ignored))
    fail(ErrorCode::NotFound, file, " cannot be written: there is no folder ", folder, ". Make it first.");
  const fs::path& written = fs::is_other(file, ignored) ? file : folder;
  if (::access(written.c_str(), W_OK) != 0)
    fail(ErrorCode::Io, file, " cannot be written: ", std::strerror(errno), ".");
}

void keep_what_is_read(const PictureFiles& files, const std::string& written) {
  for (const std::string& read : files.read)
    if (place_of(read) == place_of(written))
      fail(ErrorCode::InvalidArgument, "Writing \"", written, "\" would destroy \"", read,
           "\", which is read. Choose another name.");
}

Json json_of(const core::Mask& mask, const std::string& file) {
  const core::RunLengths runs = mask.run_lengths();
  Json json = {{"label", mask.label()},
               {"area", mask.area()},
               {"presence", mask.presence ? Json(*mask.presence) : Json()},
               {"iou_estimate", mask.iou_estimate ? Json(*mask.iou_estimate) : Json()},
               {"threshold", mask.threshold()}};
  const cv::Rect box = cv::boundingRect(mask.binary());
  json["bbox"] = box.empty() ? Json() : Json({box.x, box.y, box.width, box.height});
  json["rle"] = {{"size", {runs.height, runs.width}}, {"counts", runs.counts}};
  if (!file.empty()) json["file"] = file;
  return json;
}

Json json_of(const core::Timing& timing) {
  return {{"image_encode", timing.image_encode},
          {"prefill", timing.prefill},
          {"decode", timing.decode},
          {"masks", timing.masks},
          {"first_token", timing.first_token},
          {"total", timing.total},
          {"prompt_tokens", timing.prompt_tokens},
          {"reused_tokens", timing.reused_tokens},
          {"generated_tokens", timing.generated_tokens}};
}

const char* name_of(core::Finish finish) {
  switch (finish) {
    case core::Finish::EndOfText:
      return "end_of_text";
    case core::Finish::Length:
      return "length";
    case core::Finish::Stopped:
      return "stopped";
  }
  return "";
}

}  // namespace

std::string joined(const std::vector<std::string>& words, const char* separator) {
  std::string all;
  for (const std::string& word : words) all.append(all.empty() ? "" : separator).append(word);
  return all;
}

PictureFiles named(PictureFiles files, const std::string& name) {
  return {.masks = replace_all(std::move(files.masks), "{}", name),
          .overlay = replace_all(std::move(files.overlay), "{}", name),
          .read = std::move(files.read)};
}

std::vector<std::string> files_read(std::vector<std::string> images,
                                    const std::vector<std::string>& regions) {
  const std::string mask = "mask:";
  for (const std::string& region : regions)
    if (region.starts_with(mask)) images.push_back(region.substr(mask.size()));
  return images;
}

std::string place_of(const std::string& file) {
  std::error_code failed;
  const fs::path place = fs::weakly_canonical(fs::absolute(file, failed), failed);
  return failed ? file : place.string();
}

void check_writable(const PictureFiles& files) {
  for (const std::string& file : {files.masks, files.overlay}) {
    if (file.empty()) continue;
    check_writable(fs::path(file));
    keep_what_is_read(files, file);
  }
  if (!files.masks.empty() && !files.overlay.empty() && place_of(files.masks) == place_of(files.overlay))
    fail(ErrorCode::InvalidArgument, "The mask and the overlay cannot both go to \"", files.masks, "\".");
}

std::vector<std::string> mask_files(const std::string& file, std::size_t count) {
  std::vector<std::string> files(count, file);
  if (file.empty()) return files;
  const fs::path path(file);
  for (std::size_t i = 1; i < count; ++i) {
    fs::path numbered = path;
    numbered.replace_filename(path.stem().string() + "-" + std::to_string(i + 1) + path.extension().string());
    files[i] = numbered.string();
  }
  return files;
}

void write_pictures(const PictureFiles& files, const core::Image& image, const std::vector<core::Mask>& masks,
                    const std::vector<cv::Mat>& pointed_at, std::vector<std::string>& warnings) {
  if (!files.overlay.empty()) keep_what_is_read(files, files.overlay);
  if (!files.masks.empty()) {
    const std::vector<std::string> names = mask_files(files.masks, masks.size());
    for (const std::string& name : names) {
      keep_what_is_read(files, name);
      if (!files.overlay.empty() && place_of(name) == place_of(files.overlay))
        fail(ErrorCode::InvalidArgument, "A mask and the overlay cannot both go to \"", files.overlay, "\".");
    }
    for (std::size_t i = 0; i < masks.size(); ++i) core::write_file(names[i], masks[i].png());
    if (masks.empty()) {
      core::write_file(files.masks, core::encode_png(cv::Mat::zeros(image.rgb().size(), CV_8UC1)));
      warnings.push_back(
          core::text_of("The answer has no mask: nothing is inside the one in \"", files.masks, "\"."));
    }
  }
  if (!files.overlay.empty()) core::write_file(files.overlay, core::overlay_png(image, masks, pointed_at));
}

Json json_of(const std::vector<core::Mask>& masks, const PictureFiles& files) {
  const std::vector<std::string> names = mask_files(files.masks, masks.size());
  Json json = Json::array();
  for (std::size_t i = 0; i < masks.size(); ++i) json.push_back(json_of(masks[i], names[i]));
  return json;
}

Json json_of(const core::Answer& answer, const PictureFiles& files) {
  Json json = {{"text", answer.text},
               {"masks", json_of(answer.masks, files)},
               {"presence", answer.presence ? Json(*answer.presence) : Json()},
               {"prompt", answer.prompt},
               {"warnings", answer.warnings},
               {"finish", name_of(answer.finish)},
               {"timing", json_of(answer.timing)},
               {"tokens", answer.tokens},
               {"routing", answer.routing},
               {"near_ties", answer.near_ties}};
  if (!files.overlay.empty()) json["overlay"] = files.overlay;
  return json;
}

Json json_of(const core::Error& error) {
  Json json = {{"code", core::error_code_name(error.code())}, {"message", error.what()}};
  if (!error.details().empty()) json["details"] = error.details();
  return json;
}

std::string line_of(const core::Mask& mask, const std::string& file) {
  std::ostringstream out;
  out << std::setprecision(2) << std::fixed << (mask.label().empty() ? "mask" : mask.label()) << ": "
      << mask.area() << " pixels";
  if (mask.presence) out << ", presence " << *mask.presence;
  if (mask.iou_estimate) out << ", IoU estimate " << *mask.iou_estimate;
  if (mask.presence || mask.iou_estimate) out << " (uncalibrated)";
  if (!file.empty()) out << ", " << file;
  return out.str();
}

std::string megabytes(std::int64_t bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << static_cast<double>(bytes) / 1e6 << " MB";
  return out.str();
}

void print_line(const Json& json) {
  std::cout << json.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

}  // namespace medplib::cli
