#include "train/file_warnings.h"

#include "base/files.h"
#include "base/utf8.h"
#include "image/decode.h"
#include "vision/region_cells.h"

#include <medplib/core/error.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

Remarks remarks_of_picture(const fs::path& path) {
  const MappedFile file(path);
  PictureHeader header = header_of(file.bytes(), path.string());
  const bool by_values = header.has_alpha || header.sixteen_bits;
  return by_values ? Image::read(path).origin().remarks : std::move(header.remarks);
}

Remarks remarks_of_mask(const fs::path& path) {
  const MappedFile file(path);
  PictureHeader header = header_of(file.bytes(), path.string());
  const bool by_values = header.has_alpha || header.lossy;
  return by_values ? mask_of(read_any(path, {})).remarks : std::move(header.remarks);
}

// `config`: of the grid on which regions are seen.
Remarks remarks_of_region(const fs::path& path, const ClipConfig& config) {
  auto [inside, remarks] = mask_of(read_any(path, {}));
  const int count = cv::countNonZero(inside);
  if (count == static_cast<int>(inside.total())) remarks.emplace_back("covers the whole of its image.");
  if (count > 0 && grid_cells(inside, config, SmallRegion::CentroidCell).small)
    remarks.push_back(remark_of_small(config));
  return remarks;
}

// Files of which the same is to be said, in the order in which they were met.
class Kinds {
 public:
  void look_at(const fs::path& path, const std::function<Remarks(const fs::path&)>& remarks_of) {
    if (!seen_.insert(path).second) return;
    Remarks remarks;
    try {
      remarks = remarks_of(path);
    } catch (const Error&) {  // whoever reads it says so
    }
    for (std::string& remark : remarks) {
      auto kind = std::ranges::find(kinds_, remark, &Kind::remark);
      if (kind == kinds_.end()) kind = kinds_.insert(kinds_.end(), Kind{.remark = std::move(remark)});
      kind->files.push_back(path);
    }
  }

  std::vector<std::string> sentences() const {
    std::vector<std::string> sentences;
    for (const Kind& kind : kinds_) sentences.push_back(sentence_of(kind));
    return sentences;
  }

 private:
  struct Kind {
    std::string remark;
    std::vector<fs::path> files = {};
  };

  static std::string sentence_of(const Kind& kind) {
    if (kind.files.size() == 1) return sentences_of({kind.remark}, kind.files.front().string()).front();
    std::vector<std::string> names;
    for (const fs::path& path : kind.files) names.push_back(replace_invalid_utf8(path.filename().string()));
    return shortened(text_of("Of ", names.size(), " files (", first_five(names), ") each ", kind.remark),
                     kLongestMessage);
  }

  std::set<fs::path> seen_;
  std::vector<Kind> kinds_;
};

}  // namespace

std::vector<std::string> warnings_of_files(const std::vector<std::span<const ImageRecords>>& all,
                                           const ClipConfig& config) {
  const auto remarks_of_pointed = [&](const fs::path& path) { return remarks_of_region(path, config); };
  Kinds kinds;
  const auto for_each_record = [&](const auto& look) {
    for (const auto& images : all)
      for (const ImageRecords& image : images)
        for (const Record& record : image.records) look(record);
  };
  for (const auto& images : all)
    for (const ImageRecords& image : images) kinds.look_at(image.image, remarks_of_picture);
  // Before the masks: of what is pointed at more is to be said.
  for_each_record([&](const Record& record) {
    for (const fs::path& path : record.regions) kinds.look_at(path, remarks_of_pointed);
  });
  for_each_record([&](const Record& record) {
    for (const fs::path& path : record.masks) kinds.look_at(path, remarks_of_mask);
  });
  return kinds.sentences();
}

}  // namespace medplib::core
