#include "train/file_warnings.h"

#include "base/files.h"
#include "base/utf8.h"
#include "image/decode.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <set>
#include <utility>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

Remarks remarks_of_file(const fs::path& path, bool is_mask) {
  try {
    const MappedFile file(path);
    PictureHeader header = header_of(file.bytes(), path.string());
    if (!header.has_alpha) return std::move(header.remarks);
    return is_mask ? mask_of(read_any(path, {})).remarks : Image::read(path).origin().remarks;
  } catch (const Error&) {
    return {};
  }
}

// Files of which the same is to be said, in the order in which they were met.
class Kinds {
 public:
  void look_at(const fs::path& path, bool is_mask) {
    if (!seen_.insert(path).second) return;
    for (std::string& remark : remarks_of_file(path, is_mask)) {
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

std::vector<std::string> warnings_of_files(const std::vector<std::span<const ImageRecords>>& all) {
  Kinds kinds;
  for (const auto& images : all)
    for (const ImageRecords& image : images) {
      kinds.look_at(image.image, false);
      for (const Record& record : image.records) {
        for (const fs::path& path : record.regions) kinds.look_at(path, true);
        for (const fs::path& path : record.masks) kinds.look_at(path, true);
      }
    }
  return kinds.sentences();
}

}  // namespace medplib::core
