#include "data/check_pictures.h"

#include "image/decode.h"

#include <medplib/core/error.h>
#include <medplib/core/image.h>

#include <opencv2/core.hpp>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

PictureFacts facts_of_image(const fs::path& path) {
  const cv::Mat rgb = Image::read(path).rgb();
  return {.width = rgb.cols, .height = rgb.rows, .look = look_of(rgb)};
}

MaskFacts facts_of_mask(const fs::path& path) {
  const cv::Mat values = mask_values_of(read_any(path, {})).values;
  const cv::Mat inside = values >= 1;
  const auto area = static_cast<std::size_t>(cv::countNonZero(inside));
  double least = 0, most = 0;
  if (area > 0) cv::minMaxLoc(values, &least, &most, nullptr, nullptr, inside);
  return {.width = values.cols,
          .height = values.rows,
          .empty = area == 0,
          .full = area == values.total(),
          .several_values = least != most};
}

// What is known of the file, or what `read` says of it, which is kept. A file that cannot be read is told of
// each time.
template <class Facts, class Read>
Facts facts_of(const fs::path& path, std::unordered_map<std::size_t, Facts>& known, const Read& read,
               const PictureChecks::Tell& tell) {
  const auto [found, fresh] = known.try_emplace(fs::hash_value(path));
  if (!fresh && found->second.width > 0) return found->second;
  try {
    found->second = read(path);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::OutOfHostMemory) throw;
    tell(DataFault::Unreadable, text_of("cannot be read. Get it anew. ", error.what()));
  }
  return found->second;
}

}  // namespace

PictureFacts PictureChecks::image(const fs::path& path, const Tell& tell) {
  return facts_of(path, images_, facts_of_image, tell);
}

void PictureChecks::mask(const fs::path& path, const PictureFacts& image, const Tell& tell) {
  const MaskFacts facts = facts_of(path, masks_, facts_of_mask, tell);
  if (facts.width == 0) return;
  if (facts.empty)
    tell(DataFault::EmptyMask, "is empty: no pixel is above 0. Mend it, or take the record out.");
  if (facts.full)
    tell(DataFault::FullMask, "is full: every pixel is above 0. Mend it, or take the record out.");
  if (facts.several_values)
    tell(DataFault::MaskValues,
         "has several values above 0, all of which count as inside. Make a mask of each structure.");
  if (image.width > 0 && (facts.width != image.width || facts.height != image.height))
    tell(DataFault::MaskSize, text_of("has ", facts.width, " × ", facts.height, " pixels, but its image ",
                                      image.width, " × ", image.height, ". Make them of one size."));
}

}  // namespace medplib::core
