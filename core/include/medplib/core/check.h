// Checking records before a training does: what is wrong with them, and how many there are of each kind.
#pragma once

#include <medplib/core/error.h>
#include <medplib/core/names.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace medplib::core {

// What can be wrong with a record. Those from Unreadable on are found by opening the pictures.
enum class DataFault : std::int32_t {
  Format,           // something is missing from the record, or of another type
  Path,             // a path leads out of the folder that paths start from
  MissingFile,      // an image, region or mask isn't there
  Tags,             // a tag that isn't closed, or stands where it doesn't belong
  MaskWithoutSeg,   // an answer has more <mask> than <SEG>
  SegWithoutMask,   // an answer has more <SEG> than <mask>
  DuplicateRecord,  // image and words are those of an earlier record of the list
  DuplicateId,
  Leak,        // the image is in an earlier list, too
  Unreadable,  // a file is no picture, or damaged
  EmptyMask,   // of a region, or of a mask that is to be drawn
  FullMask,
  MaskSize,       // another than the image's
  MaskValues,     // several above 0: a label map, or soft edges
  NearDuplicate,  // the image looks like one of an earlier list
};

template <>
struct Names<DataFault> {
  static constexpr const char* kind = "fault";
  static constexpr NameTable<DataFault, 15> all = {{{DataFault::Format, "format"},
                                                    {DataFault::Path, "path"},
                                                    {DataFault::MissingFile, "missing_file"},
                                                    {DataFault::Tags, "tags"},
                                                    {DataFault::MaskWithoutSeg, "mask_without_seg"},
                                                    {DataFault::SegWithoutMask, "seg_without_mask"},
                                                    {DataFault::DuplicateRecord, "duplicate_record"},
                                                    {DataFault::DuplicateId, "duplicate_id"},
                                                    {DataFault::Leak, "leak"},
                                                    {DataFault::Unreadable, "unreadable"},
                                                    {DataFault::EmptyMask, "empty_mask"},
                                                    {DataFault::FullMask, "full_mask"},
                                                    {DataFault::MaskSize, "mask_size"},
                                                    {DataFault::MaskValues, "mask_values"},
                                                    {DataFault::NearDuplicate, "near_duplicate"}}};
};

struct DataFinding {
  DataFault fault = DataFault::Format;
  std::filesystem::path list = {};
  std::int64_t record = 0;    // in the list, from 0
  std::int64_t line = 1;      // on which it begins, from 1
  std::string id = {};        // its number where it has none
  std::string sentence = {};  // on one line: list, record and id, what is wrong, and what to do
};

struct DataCheckOptions {
  std::filesystem::path images = {};  // the folder that paths start from; none: each list's own
  bool pictures = false;              // open them
  std::function<void(const DataFinding&)> on_finding = [](const DataFinding&) {};
  // Called before each record with the part of the lists that has been read; may throw Cancelled.
  std::function<void(double)> between = [](double) {};
};

// How often a word of a kind was met.
using WordCounts = std::map<std::string, std::int64_t>;

struct DataSummary {
  std::int64_t records = 0, at_fault = 0;                   // at_fault: with a finding
  std::int64_t images = 0, regions = 0, masks = 0;          // images: different ones
  WordCounts modality = {}, subset = {}, answer_type = {};  // records
  std::map<DataFault, std::int64_t> findings = {};          // those that there are
  bool pictures = false;                                    // were opened
};

// The subsets, by what a record has: <SEG>, else <region>, else neither.
inline constexpr const char *kGrounding = "grounding", *kRegionSubset = "region", *kComplex = "complex";

// What is known of the whole of MeCoVQA. How many records each modality, subset and answer type has isn't.
// The modalities are spelt as the names of its files begin, but for capitals and "x", and are counted so,
// whatever records call them.
inline constexpr std::int64_t kPublishedRecords = 310000;
inline constexpr std::array<const char*, 8> kPublishedModalities = {
    "CT", "MR", "PET", "X-ray", "dermoscopy", "endoscopy", "fundus", "ultrasound"};
inline constexpr std::array<const char*, 3> kPublishedSubsets = {kComplex, kGrounding, kRegionSubset};
// At least; there are others.
inline constexpr std::array<const char*, 2> kPublishedAnswerTypes = {"closed", "open"};

// Checks lists of records of MeCoVQA's form, each of which is a part of a split. Holds some dozens of bytes a
// record, however long the lists are. Errors: NotFound, Io, Format (a list that isn't one); what `between`
// and `on_finding` throw.
DataSummary check_data(const std::vector<std::filesystem::path>& lists, const DataCheckOptions& options);

// Makes what `medplib data check --json` prints: one JSON object. The findings, which stand behind the counts
// in it, are kept in a temporary file until then, however many there are. Errors: Io.
class DataCheckJson {
 public:
  DataCheckJson();
  void add(const DataFinding& finding);
  // Once, at the end.
  void write(const DataSummary& summary, std::ostream& out);

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> findings_;
  bool any_ = false;
};

}  // namespace medplib::core
