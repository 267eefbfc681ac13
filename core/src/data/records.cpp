#include "data/records.h"

#include "base/json.h"
#include "base/paths.h"
#include "base/utf8.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <unordered_map>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

struct Origin {
  fs::path root;
  std::string where;  // file and record, for messages
};

// Takes what stands between `open` and `close` out of the text: the tags too when `with_tags`.
std::vector<fs::path> cut_paths(std::string& text, const std::string& open, const std::string& close,
                                bool with_tags, const Origin& origin) {
  std::vector<fs::path> paths;
  std::size_t from = 0;
  while ((from = text.find(open, from)) != std::string::npos) {
    const std::size_t begin = from + open.size(), end = text.find(close, begin);
    if (end == std::string::npos) fail(ErrorCode::Format, origin.where, ": ", open, " without ", close, ".");
    paths.push_back(path_inside(origin.root, text.substr(begin, end - begin), origin.where));
    if (with_tags)
      text.erase(from, end + close.size() - from);
    else
      text.erase(begin, end - begin);
    from = with_tags ? from : begin + close.size();
  }
  return paths;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

// Tags where they say nothing would be taught as words, the paths between them too.
void check_tags(const std::string& question, const std::string& answer, bool first, const Origin& origin) {
  const std::size_t images = first ? 1 : 0;
  if (count_of(question, "<image>") != images || count_of(answer, "<image>") != 0)
    fail(ErrorCode::Format, origin.where, ": the first question, and it alone, must hold <image>, once.");
  for (const char* tag : {"<mask>", "<SEG>"})
    if (count_of(question, tag) != 0)
      fail(ErrorCode::Format, origin.where, ": a question holds ", tag, ", which belongs into an answer.");
  if (count_of(answer, "<region>") != 0)
    fail(ErrorCode::Format, origin.where, ": an answer holds <region>, which belongs into a question.");
}

// What a session would make of the question. An answer is the model's, and stays as it is.
std::string as_asked(const std::string& question) {
  const std::string image = "<image>\n";  // the published form, in which the line break is no white space
  return question.starts_with(image) ? image + plain_words(question.substr(image.size()))
                                     : plain_words(question);
}

Record record_of(const Json& json, const std::string& id, const Origin& origin) {
  Record record{.id = id,
                .task = optional_or<std::string>(json, "task", "", origin.where),
                .structure = plain_words(optional_or<std::string>(json, "structure", "", origin.where)),
                .turns = {},
                .regions = {},
                .masks = {}};
  const Json conversations = required<Json>(json, "conversations", origin.where);
  if (!conversations.is_array() || conversations.empty() || conversations.size() % 2 != 0)
    fail(ErrorCode::Format, origin.where,
         ": \"conversations\" must hold pairs of a human and a gpt message.");
  for (std::size_t i = 0; i < conversations.size(); i += 2) {
    auto question = required<std::string>(conversations[i], "value", origin.where);
    auto answer = required<std::string>(conversations[i + 1], "value", origin.where);
    check_tags(question, answer, i == 0, origin);
    if (required<std::string>(conversations[i], "from", origin.where) != "human" ||
        required<std::string>(conversations[i + 1], "from", origin.where) != "gpt")
      fail(ErrorCode::Format, origin.where, ": messages must go from \"human\" to \"gpt\" in turns.");
    for (auto& path : cut_paths(question, "<region>", "</region>", false, origin))
      record.regions.push_back(std::move(path));
    const auto masks = cut_paths(answer, "<mask>", "</mask>", true, origin);
    if (count_of(answer, "<SEG>") != masks.size())
      fail(ErrorCode::Format, origin.where, ": the answer has ", count_of(answer, "<SEG>"), " <SEG> but ",
           masks.size(), " <mask>.");
    record.masks.insert(record.masks.end(), masks.begin(), masks.end());
    record.turns.push_back({as_asked(question), std::move(answer)});
  }
  return record;
}

}  // namespace

bool is_chosen_evenly(std::size_t index, std::size_t total, std::size_t most) {
  const std::size_t chosen = most == 0 ? total : std::min(most, total);
  return (index + 1) * chosen / total != index * chosen / total;
}

std::vector<ImageRecords> read_records(const fs::path& json, std::int64_t most) {
  const LinedJson file = read_lined_json(json);
  const Json& list = file.json;
  if (!list.is_array()) fail(ErrorCode::Format, json, " must hold a list of records.");
  std::vector<ImageRecords> images;
  std::unordered_map<std::string, std::size_t> index_of;
  const fs::path root = fs::weakly_canonical(json).parent_path();
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!is_chosen_evenly(i, list.size(), static_cast<std::size_t>(std::max<std::int64_t>(most, 0))))
      continue;
    const std::string index = std::to_string(i), line = file.place(index);
    const std::string where = json.string() + ", record " + index;
    const auto id = optional_or<std::string>(list[i], "id", index, where + line);
    const Origin origin{root, text_of(where, " (", id, ")", line)};
    const fs::path image =
        path_inside(origin.root, required<std::string>(list[i], "image", origin.where), origin.where);
    const auto [found, fresh] = index_of.try_emplace(image.string(), images.size());
    if (fresh)
      images.push_back({.image = image,
                        .set = optional_or<std::string>(list[i], "set", "", origin.where),
                        .modality = optional_or<std::string>(list[i], "modality", "", origin.where),
                        .kind = optional_or<std::string>(list[i], "kind", "", origin.where),
                        .records = {}});
    images[found->second].records.push_back(record_of(list[i], id, origin));
  }
  return images;
}

Record parse_record(const std::string& json, const fs::path& folder) {
  const std::string where = "The record";
  const Json record = parse_json(json, where);
  const auto id = optional_or<std::string>(record, "id", "", where);
  return record_of(record, id, {fs::weakly_canonical(folder), text_of(where, " (", id, ")")});
}

}  // namespace medplib::core
