#include "base/json.h"
#include "base/utf8.h"
#include "data/check_pictures.h"
#include "data/picture_name.h"
#include "data/record.h"
#include "data/record_json.h"
#include "data/record_list.h"

#include <medplib/core/check.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

// A record of one of the lists.
struct RecordPlace {
  std::size_t list = 0;
  std::int64_t record = 0;
};

struct SeenImage {
  RecordPlace first;
  std::size_t told = 0;  // the list for which it was told last that an earlier one has the image, too
};

struct SeenLook {
  Look look;
  RecordPlace first;
};

bool any_has(const std::vector<Turn>& turns, std::string Turn::*side, const char* tag) {
  return std::ranges::any_of(turns,
                             [&](const Turn& turn) { return (turn.*side).find(tag) != std::string::npos; });
}

const char* subset_of(const Record& record) {
  if (!record.masks.empty() || any_has(record.turns, &Turn::answer, "<SEG>")) return kGrounding;
  return any_has(record.turns, &Turn::question, "<region>") ? kRegionSubset : kComplex;
}

class Checker {
 public:
  Checker(const std::vector<fs::path>& lists, const DataCheckOptions& options)
      : lists_(lists), options_(options) {
    summary_.pictures = options.pictures;
  }

  DataSummary run() {
    std::vector<double> sizes;
    std::error_code unknown;  // of a pipe, or of what isn't there
    for (const fs::path& list : lists_) {
      const std::uintmax_t size = fs::file_size(list, unknown);
      sizes.push_back(unknown ? 0 : static_cast<double>(size));
    }
    const double all = std::max(1.0, std::accumulate(sizes.begin(), sizes.end(), 0.0));
    double before = 0;
    for (list_ = 0; list_ < lists_.size(); ++list_) {
      root_ = root_of(list(), options_.images);
      ids_.clear();
      words_.clear();
      for_each_entry(list(), [&](const ListEntry& entry) {
        options_.between((before + entry.part * sizes[list_]) / all);
        take(entry);
      });
      before += sizes[list_];
    }
    return summary_;
  }

 private:
  const fs::path& list() const { return lists_[list_]; }

  void take(const ListEntry& entry) {
    const std::string number = std::to_string(entry.index);
    where_ = place_of(list(), entry, number);
    found_ = {.list = list(), .record = entry.index, .line = entry.line, .id = number};
    said_.clear();
    ++summary_.records;
    Json json;
    try {
      json = parse_record_json(entry.text, where_);
    } catch (const Error& error) {
      return complain(DataFault::Format, error.what());
    }
    if (!json.is_object())
      return say(DataFault::Format, "it must be an object with \"image\" and \"conversations\".");
    try {
      found_.id = id_of(json, number, where_);
      where_ = place_of(list(), entry, found_.id);
    } catch (const Error& error) {
      complain(DataFault::Format, error.what());
    }
    const ListedRecord listed = listed_record(json, found_.id, {root_, where_}, complain_);
    count(listed);
    check_files(listed);
    check_repeats(json, listed);
  }

  void count(const ListedRecord& listed) {
    summary_.regions += std::ssize(listed.record.regions);
    summary_.masks += std::ssize(listed.record.masks);
    ++summary_.modality[published_modality(listed.modality)];
    ++summary_.subset[subset_of(listed.record)];
    ++summary_.answer_type[listed.answer_type];
  }

  // Whether the file is there.
  bool is_there(const fs::path& path) {
    std::error_code ignored;
    if (fs::exists(path, ignored) && !fs::is_directory(path, ignored)) return true;
    say(DataFault::MissingFile, name_of(path), " is not in ", root_,
        ". Get it, name the folder that paths start from, or take the record out.");
    return false;
  }

  void check_files(const ListedRecord& listed) {
    PictureFacts image;
    if (!listed.image.empty()) image = check_image(listed.image);
    for (const auto* paths : {&listed.record.regions, &listed.record.masks})
      for (const fs::path& path : *paths)
        if (is_there(path) && options_.pictures) pictures_.mask(path, image, telling(path));
  }

  PictureFacts check_image(const fs::path& path) {
    const RecordPlace here{list_, found_.record};
    const auto [seen, fresh] = images_.try_emplace(fs::hash_value(path), SeenImage{here, list_});
    summary_.images += fresh ? 1 : 0;
    if (std::exchange(seen->second.told, list_) != list_)
      say(DataFault::Leak, name_of(path), " is also the image of ", words_of(seen->second.first),
          ": what is judged by would have been learnt from. Keep it in one of the lists.");
    if (!is_there(path) || !options_.pictures) return {};
    const PictureFacts facts = pictures_.image(path, telling(path));
    if (fresh && facts.width > 0) check_look(path, {facts.look, here});
    return facts;
  }

  void check_look(const fs::path& path, const SeenLook& look) {
    const auto alike = std::ranges::find_if(looks_, [&](const SeenLook& earlier) {
      return earlier.first.list != list_ && look_alike(earlier.look, look.look);
    });
    if (alike != looks_.end())
      say(DataFault::NearDuplicate, name_of(path), " looks like the image of ", words_of(alike->first),
          ". Look at both, and keep them in one of the lists.");
    if (lists_.size() > 1) looks_.push_back(look);
  }

  void check_repeats(const Json& json, const ListedRecord& listed) {
    if (json.contains("conversations") && !listed.image.empty()) {
      const std::string all = listed.image.native() + '\n' + json_text(json["conversations"]);
      const auto [first, fresh] = words_.try_emplace(std::hash<std::string>()(all), found_.record);
      if (!fresh)
        return say(DataFault::DuplicateRecord, "it has the image and words of record ", first->second,
                   ". Keep one of them.");
    }
    if (!json.contains("id") || !json["id"].is_string()) return;
    const auto [first, fresh] = ids_.try_emplace(std::hash<std::string>()(found_.id), found_.record);
    if (!fresh) say(DataFault::DuplicateId, "record ", first->second, " has the same id. Give each its own.");
  }

  std::string name_of(const fs::path& path) const { return text_of(path.lexically_relative(root_)); }
  std::string words_of(const RecordPlace& place) const {
    return text_of("record ", place.record, " in ", lists_[place.list]);
  }

  PictureChecks::Tell telling(const fs::path& path) {
    return [this, name = name_of(path)](DataFault fault, const std::string& what) {
      say(fault, name, ' ', what);
    };
  }

  template <class... Parts>
  void say(DataFault fault, const Parts&... parts) {
    complain(fault, text_of(where_, ": ", parts...));
  }

  // Once of a record, which may name a file twice.
  void complain(DataFault fault, const std::string& sentence) {
    found_.fault = fault;
    found_.sentence = shortened(replace_invalid_utf8(plain_words(sentence)), kLongestMessage);
    if (std::ranges::find(said_, found_.sentence) != said_.end()) return;
    if (said_.empty()) ++summary_.at_fault;
    said_.push_back(found_.sentence);
    ++summary_.findings[fault];
    options_.on_finding(found_);
  }

  const std::vector<fs::path>& lists_;
  const DataCheckOptions& options_;
  const Complain complain_ = [this](DataFault fault, const std::string& sentence) {
    complain(fault, sentence);
  };
  DataSummary summary_;
  // Where it is.
  std::size_t list_ = 0;
  fs::path root_;
  std::string where_;
  DataFinding found_;
  std::vector<std::string> said_;  // of the record
  // By hashes: of image and words, and of ids, the first record of the list; of paths.
  std::unordered_map<std::size_t, std::int64_t> words_, ids_;
  std::unordered_map<std::size_t, SeenImage> images_;
  std::vector<SeenLook> looks_;
  PictureChecks pictures_;
};

}  // namespace

DataSummary check_data(const std::vector<fs::path>& lists, const DataCheckOptions& options) {
  return Checker(lists, options).run();
}

}  // namespace medplib::core
