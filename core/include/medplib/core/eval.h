// Evaluation: a record whose answer is known is put to a model, and gives a row of figures.
#pragma once

#include <medplib/core/error.h>
#include <medplib/core/session.h>

#include <opencv2/core/mat.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace medplib::core {

// A drawn mask A beside its target B, in pixels.
struct Overlap {
  std::int64_t intersection = 0;  // |A ∩ B|
  std::int64_t in_union = 0;      // |A ∪ B|

  // Where both are empty, each is 1.
  double iou() const;   // |A ∩ B| / |A ∪ B|; its mean over masks is gIoU
  double dice() const;  // 2 |A ∩ B| / (|A| + |B|)
};

// (H, W), CV_8UC1: ≠ 0 inside. Errors: InvalidArgument (their sizes or types differ).
Overlap overlap_of(const cv::Mat& drawn, const cv::Mat& target);

// What of a record a model is asked, and what is right.
struct EvalQuestion {
  std::string id = {};
  std::string phrase = {};                          // of `segment`; where it is empty, `text` is asked
  std::string text = {};                            // <region></region> where it points at a region
  std::vector<std::filesystem::path> regions = {};  // mask files, one for each it points at
  std::vector<std::filesystem::path> targets = {};  // mask files, one for each <SEG> of the true answer
};

// The first turn of a record as the data has it, a JSON object whose files lie in `folder` or below. Tasks
// "segment" and "absent" are asked by the structure's name, as a user would; all others in the record's own
// words. Errors: Format, which says what is wrong with the record.
EvalQuestion question_of(const std::string& record, const std::filesystem::path& folder);

struct EvalRow {
  std::string id;
  Outcome outcome;                // the answer, or why there is none, or why it cannot be judged
  std::vector<Overlap> overlaps;  // of each target with the mask of its number; none drawn counts as empty
};

// Puts the question to the session, whose image is that of the record. The true answer is not shown to it.
// `options`: but for the regions. Errors: Cancelled; every other is the row's outcome.
EvalRow evaluate(Session& session, const EvalQuestion& question, const AskOptions& options = {});

}  // namespace medplib::core
