#include "data/record.h"

#include "base/paths.h"
#include "base/utf8.h"
#include "data/picture_name.h"
#include "data/record_json.h"

#include <medplib/core/error.h>

#include <cstddef>
#include <system_error>
#include <utility>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

// Runs `work`; what it refuses is complained of.
template <class Work>
void or_complain(const Complain& complain, DataFault fault, const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Format) throw;
    complain(fault, error.what());
  }
}

// The file of this name, or of this name and .png.
fs::path picture_inside(const Origin& origin, const std::string& name) {
  fs::path path = path_inside(origin.root, name, origin.where);
  std::error_code ignored;
  if (fs::exists(path, ignored)) return path;
  fs::path with_ending = path_inside(origin.root, name + ".png", origin.where);
  return fs::exists(with_ending, ignored) ? with_ending : path;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

// A tag around a path.
struct PathTag {
  std::string open, close;
  bool is_cut;  // out of the text together with the path
};
const PathTag kRegion{"<region>", "</region>", false}, kMask{"<mask>", "</mask>", true};

// Takes the paths out of the text.
std::vector<fs::path> cut_paths(std::string& text, const PathTag& tag, const Origin& origin,
                                const Complain& complain) {
  std::vector<fs::path> paths;
  std::size_t from = 0;
  while ((from = text.find(tag.open, from)) != std::string::npos) {
    const std::size_t begin = from + tag.open.size(), end = text.find(tag.close, begin);
    if (end == std::string::npos) break;
    or_complain(complain, DataFault::Path,
                [&] { paths.push_back(picture_inside(origin, text.substr(begin, end - begin))); });
    if (tag.is_cut)
      text.erase(from, end + tag.close.size() - from);
    else
      text.erase(begin, end - begin);
    from = tag.is_cut ? from : begin + tag.close.size();
  }
  return paths;
}

// Tags where they say nothing would be taught as words, the paths between them too.
void check_tags(const Turn& turn, bool first, const Origin& origin, const Complain& complain) {
  const auto wrong = [&](const auto&... parts) {
    complain(DataFault::Tags, text_of(origin.where, ": ", parts...));
  };
  if (count_of(turn.question, "<image>") != (first ? 1 : 0) || count_of(turn.answer, "<image>") != 0)
    wrong("the first question, and it alone, must hold <image>, once.");
  if (count_of(turn.question, "<SEG>") != 0) wrong("a question holds <SEG>, which belongs into an answer.");
  if (count_of(turn.question, kMask.open) + count_of(turn.question, kMask.close) != 0)
    wrong("a question holds <mask>, which belongs into an answer.");
  if (count_of(turn.answer, kRegion.open) + count_of(turn.answer, kRegion.close) != 0)
    wrong("an answer holds <region>, which belongs into a question.");
  for (const auto& [text, tag] : {std::pair(turn.question, kRegion), std::pair(turn.answer, kMask)})
    if (const std::size_t opened = count_of(text, tag.open), closed = count_of(text, tag.close);
        opened != closed || text.find(tag.close) < text.find(tag.open))
      wrong(opened, ' ', tag.open, " and ", closed, ' ', tag.close,
            " are not in pairs. Write the path between two of them.");
}

void check_masks(const std::string& answer, std::size_t masks, const Origin& origin,
                 const Complain& complain) {
  const std::size_t segs = count_of(answer, "<SEG>");
  if (segs == masks) return;
  complain(segs < masks ? DataFault::MaskWithoutSeg : DataFault::SegWithoutMask,
           text_of(origin.where, ": the answer has ", segs, " <SEG> but ", masks,
                   " <mask>. Each <SEG> needs its <mask>, and each <mask> its <SEG>."));
}

// What a session would make of the question. An answer is the model's, and stays as it is.
std::string as_asked(const std::string& question) {
  const std::string image = "<image>\n";  // the published form, in which the line break is no white space
  return question.starts_with(image) ? image + plain_words(question.substr(image.size()))
                                     : plain_words(question);
}

void add_turn(Record& record, Turn turn, const Origin& origin, const Complain& complain) {
  check_tags(turn, record.turns.empty(), origin, complain);
  for (auto& path : cut_paths(turn.question, kRegion, origin, complain))
    record.regions.push_back(std::move(path));
  const std::size_t masks = count_of(turn.answer, kMask.open);
  for (auto& path : cut_paths(turn.answer, kMask, origin, complain)) record.masks.push_back(std::move(path));
  check_masks(turn.answer, masks, origin, complain);
  turn.question = as_asked(turn.question);
  record.turns.push_back(std::move(turn));
}

void add_turns(Record& record, const Json& json, const Origin& origin, const Complain& complain) {
  const auto conversations = required<Json>(json, "conversations", origin.where);
  if (!conversations.is_array() || conversations.empty() || conversations.size() % 2 != 0)
    fail(ErrorCode::Format, origin.where,
         ": \"conversations\" must hold pairs of a human and a gpt message.");
  for (std::size_t i = 0; i < conversations.size(); i += 2) {
    const Json &asked = conversations[i], &answered = conversations[i + 1];
    if (required<std::string>(asked, "from", origin.where) != "human" ||
        required<std::string>(answered, "from", origin.where) != "gpt")
      fail(ErrorCode::Format, origin.where, ": messages must go from \"human\" to \"gpt\" in turns.");
    add_turn(record,
             {required<std::string>(asked, "value", origin.where),
              required<std::string>(answered, "value", origin.where)},
             origin, complain);
  }
}

Record record_of(const Json& json, const std::string& id, const Origin& origin, const Complain& complain) {
  Record record{.id = id, .task = {}, .structure = {}, .turns = {}, .regions = {}, .masks = {}};
  or_complain(complain, DataFault::Format, [&] {
    record.task = optional_or<std::string>(json, "task", "", origin.where);
    record.structure = plain_words(optional_or<std::string>(json, "structure", "", origin.where));
    add_turns(record, json, origin, complain);
  });
  return record;
}

}  // namespace

std::string id_of(const Json& json, const std::string& otherwise, const std::string& where) {
  if (!json.is_object() || !json.contains("id") || json["id"].is_null()) return otherwise;
  return required<std::string>(json, "id", where);
}

ListedRecord listed_record(const Json& json, const std::string& id, const Origin& origin,
                           const Complain& complain) {
  ListedRecord listed;
  or_complain(complain, DataFault::Format, [&] {
    const auto image = required<std::string>(json, "image", origin.where);
    or_complain(complain, DataFault::Path, [&] { listed.image = picture_inside(origin, image); });
    const PictureName name = parse_picture_name(listed.image);
    listed.set = optional_or<std::string>(json, "set", name.set, origin.where);
    listed.modality = optional_or<std::string>(json, "modality", name.modality, origin.where);
    listed.kind = optional_or<std::string>(json, "kind", "", origin.where);
    listed.answer_type = optional_or<std::string>(json, "answer_type", "", origin.where);
  });
  listed.record = record_of(json, id, origin, complain);
  return listed;
}

Record parse_record(const std::string& json, const fs::path& folder) {
  const std::string where = "The record";
  const Json record = parse_record_json(json, where);
  const std::string id = id_of(record, "", where);
  return record_of(record, id, {fs::weakly_canonical(folder), text_of(where, " (", id, ")")}, refuse_fault);
}

void refuse_fault(DataFault, const std::string& sentence) { fail(ErrorCode::Format, sentence); }

}  // namespace medplib::core
