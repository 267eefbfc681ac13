#include "train/file_warnings.h"

#include "base/files.h"
#include "image/decode.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <set>
#include <utility>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kNamed = 5;

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
      if (kind->files++ < kNamed) kind->first.push_back(path);
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
    std::size_t files = 0;
    std::vector<fs::path> first = {};
  };

  static std::string sentence_of(const Kind& kind) {
    if (kind.files == 1) return sentences_of({kind.remark}, kind.first.front().string()).front();
    std::string names;
    for (const fs::path& path : kind.first) names += (names.empty() ? "" : ", ") + path.filename().string();
    if (kind.files > kNamed) names += text_of(" and ", kind.files - kNamed, " more");
    return text_of("Of ", kind.files, " files (", names, ") each ", kind.remark);
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
