#include "output_plan.h"

#include <medplib/core/error.h>
#include <medplib/core/files.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <unistd.h>
#include <utility>

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

// The same for every spelling of a path.
std::string place_of(const std::string& file) {
  std::error_code failed;
  const fs::path place = fs::weakly_canonical(fs::absolute(file, failed), failed);
  return failed ? file : place.string();
}

bool same_place(const std::string& a, const std::string& b) {
  return place_of(a) == place_of(b) || (core::is_standard_output(a) && core::is_standard_output(b));
}

std::vector<std::string> files_read(std::vector<std::string> images,
                                    const std::vector<std::string>& regions) {
  const std::string mask = "mask:";
  for (const std::string& region : regions)
    if (region.starts_with(mask)) images.push_back(region.substr(mask.size()));
  return images;
}

void check_writable(const fs::path& file) {
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) fail(ErrorCode::InvalidArgument, file, " is a folder; name a file.");
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, ignored))
    fail(ErrorCode::NotFound, file, " cannot be written: there is no folder ", folder, ". Make it first.");
  const fs::path& written = core::is_stream(file) ? file : folder;
  if (::access(written.c_str(), W_OK) != 0)
    fail(ErrorCode::Io, file, " cannot be written: ", std::strerror(errno), ".");
}

void keep_apart(const std::string& masks, const std::string& overlay, const char* mask) {
  if (!masks.empty() && !overlay.empty() && same_place(masks, overlay))
    fail(ErrorCode::InvalidArgument, mask, " and the overlay cannot both go to \"", overlay, "\".");
}

// A stream takes the first mask alone.
std::vector<std::string> mask_files(const std::string& file, std::size_t count) {
  std::vector<std::string> files(count);
  if (file.empty() || count == 0) return files;
  files[0] = file;
  if (core::is_stream(file)) return files;
  const fs::path path(file);
  for (std::size_t i = 1; i < count; ++i) {
    fs::path numbered = path;
    numbered.replace_filename(path.stem().string() + "-" + std::to_string(i + 1) + path.extension().string());
    files[i] = numbered.string();
  }
  return files;
}

}  // namespace

PictureFiles named(PictureFiles files, const std::string& name) {
  return {.masks = replace_all(std::move(files.masks), "{}", name),
          .overlay = replace_all(std::move(files.overlay), "{}", name)};
}

void OutputPlan::keep(const std::vector<std::string>& images, const std::vector<std::string>& regions) {
  kept_ = files_read(images, regions);
}

// Whether writing would destroy what is read, or was written.
void OutputPlan::check(const std::string& file) const {
  for (const auto* files : {&kept_, &read_})
    for (const std::string& read : *files)
      if (place_of(read) == place_of(file))
        fail(ErrorCode::InvalidArgument, "Writing \"", file, "\" would destroy \"", read,
             "\", which is read. Choose another name.");
  if (written_.contains(place_of(file)))
    fail(ErrorCode::InvalidArgument, "\"", file, "\" was already written for another image of this call.");
}

void OutputPlan::plan(const PictureFiles& files, const std::vector<std::string>& images,
                      const std::vector<std::string>& regions) {
  planned_ = files;
  // As it is now: a file that is replaced is no longer where the standard output goes.
  takes_standard_output_ = (!files.masks.empty() && core::is_standard_output(files.masks)) ||
                           (!files.overlay.empty() && core::is_standard_output(files.overlay));
  read_ = files_read(images, regions);
  for (const std::string& file : {files.masks, files.overlay}) {
    if (file.empty()) continue;
    if (file == "-")
      fail(ErrorCode::InvalidArgument,
           "\"-\" is no file, and the standard output has the answer: name a file, or /dev/stdout.");
    core::check_png_name(file);
    check_writable(file);
    check(file);
  }
  keep_apart(files.masks, files.overlay, "The mask");
  for (const std::string& image : images)
    if (written_.contains(place_of(image)))
      fail(ErrorCode::InvalidArgument, "\"", image, "\" was written over by this call.");
}

WrittenPictures OutputPlan::write(const core::Image& image, const std::vector<core::Mask>& masks,
                                  const std::vector<cv::Mat>& pointed_at,
                                  std::vector<std::string>& warnings) {
  WrittenPictures written{mask_files(planned_.masks, masks.size()), planned_.overlay};
  const bool none = masks.empty() && !planned_.masks.empty();
  std::vector<std::string> files = written.masks;
  if (none) files.push_back(planned_.masks);
  for (const std::string& file : files) {
    if (file.empty()) continue;
    check(file);
    keep_apart(file, planned_.overlay, "A mask");
  }
  if (!planned_.overlay.empty()) check(planned_.overlay);
  std::cout << std::flush;  // a picture may go there
  for (std::size_t i = 0; i < masks.size(); ++i)
    if (!written.masks[i].empty()) core::write_file(written.masks[i], masks[i].png());
  if (none) {
    core::write_file(planned_.masks, core::encode_png(cv::Mat::zeros(image.rgb().size(), CV_8UC1)));
    warnings.push_back(
        core::text_of("The answer has no mask: nothing is inside the one in \"", planned_.masks, "\"."));
  } else if (masks.size() > 1 && written.masks[1].empty() && !planned_.masks.empty()) {
    warnings.push_back(core::text_of("The answer has ", masks.size(), " masks; only the first went to \"",
                                     planned_.masks, "\"."));
  }
  if (!planned_.overlay.empty())
    core::write_file(planned_.overlay, core::overlay_png(image, masks, pointed_at));
  files.push_back(planned_.overlay);
  // Not before: a request that failed keeps no later one from its files.
  for (const std::string& file : files)
    if (!file.empty() && !core::is_stream(file)) written_.insert(place_of(file));
  return written;
}

}  // namespace medplib::cli
