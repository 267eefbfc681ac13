// Where pictures go: looked at before anything is computed, written when an answer is there, and never over
// what the same call reads or wrote.
#pragma once

#include <medplib/core/image.h>
#include <medplib/core/mask.h>

#include <set>
#include <string>
#include <vector>

namespace medplib::cli {

// As the user named them; empty: nowhere.
struct PictureFiles {
  std::string masks, overlay;
};

// "{}" in the file names replaced.
PictureFiles named(PictureFiles files, const std::string& name);

struct WrittenPictures {
  std::vector<std::string> masks;  // of each mask its file; empty: none
  std::string overlay;             // empty: none
};

class OutputPlan {
 public:
  // What the whole call reads, whichever answer is planned: images, and what regions name ("mask:FILE").
  void keep(const std::vector<std::string>& images, const std::vector<std::string>& regions);

  // Plans the pictures of the next answer, which is about these images and regions. Finds what would make
  // writing fail after a long computation: no such folder, a folder in the file's place, no right to write,
  // the ending of another format, one file for two, a file that is read or was written. Errors:
  // InvalidArgument, NotFound, Io.
  void plan(const PictureFiles& files, const std::vector<std::string>& images,
            const std::vector<std::string>& regions);

  // Whether one of the planned goes where results are printed.
  bool takes_standard_output() const { return takes_standard_output_; }

  // Writes what is planned: the first mask to the file, where a caller looks however many there are, the
  // others to FILE-2, FILE-3 ... before the extension; without a mask one with nothing inside, and that is
  // added to `warnings`. Errors: as plan.
  WrittenPictures write(const core::Image& image, const std::vector<core::Mask>& masks,
                        const std::vector<cv::Mat>& pointed_at, std::vector<std::string>& warnings);

 private:
  void check(const std::string& file) const;

  std::vector<std::string> kept_;  // read by the call
  std::vector<std::string> read_;  // by the planned answer, besides
  std::set<std::string> written_;  // places
  PictureFiles planned_;
  bool takes_standard_output_ = false;
};

}  // namespace medplib::cli
