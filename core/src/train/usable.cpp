#include "train/usable.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <set>

namespace medplib::core {
namespace fs = std::filesystem;

void need_files(const std::vector<ImageRecords>& images) {
  std::set<fs::path> seen;
  std::vector<std::string> missing;
  const auto need = [&](const fs::path& path, const Record& record) {
    if (fs::exists(path) || !seen.insert(path).second) return;
    missing.push_back(text_of(path, ", which record ", record.id, " names"));
  };
  for (const auto& image : images)
    for (const auto& record : image.records) {
      if (&record == &image.records.front()) need(image.image, record);
      for (const auto& path : record.regions) need(path, record);
      for (const auto& path : record.masks) need(path, record);
    }
  if (missing.empty()) return;
  const std::string files = first_five(missing, 300);
  const std::string sentence =
      text_of(missing.size() == 1 ? files + ", does not exist"
                                  : text_of(missing.size(), " files do not exist: ", files),
              ". Paths in records start from the folder of their file, or from the recipe's \"images\".");
  throw Error(ErrorCode::NotFound, sentence, std::move(missing));
}

std::int64_t drop_unlearnable(std::vector<ImageRecords>& images, const FolderFacts& model) {
  const auto learnable = [&](const Record& record) {
    const LabelledPrompt conversation = label_conversation(model.tokenizer, model.conversation, record.turns);
    std::int64_t rows = 0;
    for (const TokenId id : conversation.prompt.ids) rows += rows_of(id, model.config.image_tokens());
    return !conversation.mismatch && rows <= model.config.language.max_positions;
  };
  std::size_t dropped = 0;
  for (auto& image : images)
    dropped += std::erase_if(image.records, [&](const Record& record) { return !learnable(record); });
  std::erase_if(images, [](const ImageRecords& image) { return image.records.empty(); });
  return static_cast<std::int64_t>(dropped);
}

}  // namespace medplib::core
