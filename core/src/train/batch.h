// From records to what a training step computes on.
#pragma once

#include "data/records.h"
#include "image/geometry.h"
#include "model/folder.h"
#include "train/augment.h"
#include "train/pack.h"
#include "train/pixel_cache.h"
#include "train/recipe.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace medplib::core {

struct MaskTarget {
  std::int64_t image = 0;   // in the batch, or in the part of one
  std::int64_t number = 0;  // in the whole batch
  std::string structure;    // its name
  at::Tensor inside;        // (H, W) float32, 0 and 1, at image size
  at::Tensor cells;         // (grid, grid) uint8, ≠ 0 inside: what of it CLIP's grid shows
};

// A region that a prompt points at.
struct BatchRegion {
  std::int64_t image = 0;  // in the batch, or in the part of one
  at::Tensor cells;        // (grid, grid) uint8, ≠ 0 inside
};

// Prompts, each with images of its own: those of a prompt follow each other, in the order of the prompts.
struct Batch {
  std::vector<at::Tensor> clip_pixels, sam_pixels;  // [image]: (3, S, S)
  std::vector<Letterbox> sam_letterboxes;           // [image]
  std::vector<std::int64_t> image_labels;  // [image]: its kind, below image_label_count(), or kIgnoredLabel
  std::vector<std::vector<std::string>> ids;  // [prompt]: of its records, for messages
  std::vector<PackedPrompt> prompts;          // their images and regions are numbered as in the batch
  std::vector<std::int64_t> first_image;      // [prompt]
  std::vector<BatchRegion> regions = {};      // in the order of the prompts
  std::vector<MaskTarget> targets = {};       // in the order of the <SEG> in the prompts
};

using RecordsOfImage = std::vector<const Record*>;

// Puts images with records about them into batches. Any number of threads.
class Collator {
 public:
  // `model` outlives it.
  explicit Collator(const FolderFacts& model) : model_(model) {}

  // How an image and a region's cells are shown: as they are, if nothing else is said.
  struct Change {
    std::function<View(const View&)> view = [](const View& view) { return view; };
    std::function<at::Tensor(const at::Tensor&)> region = [](const at::Tensor& cells) { return cells; };
  };

  // Adds an image as `change` shows it, with its records in this order; `label`: what kind of picture it is.
  // Records whose answers cannot be told from the rest (LabelledPrompt::mismatch) are left out, and the image
  // when nothing is left. Errors: NotFound, Format.
  void add(Batch& batch, const std::filesystem::path& image, const RecordsOfImage& records,
           std::int64_t label, const Change& change);

 private:
  struct Shown;
  Shown read(const std::filesystem::path& image, const RecordsOfImage& records);
  // Of one record: its regions, when `record` is null, or its masks.
  void read_masks(Shown& shown, const std::filesystem::path& image,
                  const std::vector<std::filesystem::path>& paths, const Record* record);
  void add_view(Batch& batch, const Shown& shown, const Change& change) const;

  const FolderFacts& model_;
  PixelCache pixels_{std::size_t{2} << 30};
};

class BatchSampler {
 public:
  // Errors, all of Subject::Data: NotFound, Format; nothing to train on is Format, too.
  BatchSampler(const Recipe& recipe, const FolderFacts& model);

  // The batch of a step depends on the seed and the step alone, so that a resumed training sees the same. Any
  // number of threads. Errors, all of Subject::Data: NotFound, Io, Format: a picture, region or mask.
  Batch batch(std::int64_t step);
  // An image as it is, with all of its records. It need not be one of the training's.
  Batch plain(const ImageRecords& image);

  const std::vector<ImageRecords>& images() const { return images_; }
  std::int64_t records() const;
  // Records from which nothing can be learnt, so that they are not among these.
  std::int64_t left_out() const { return left_out_; }
  // Pictures that agree in set, modality and kind share a label.
  std::int64_t image_label_count() const { return static_cast<std::int64_t>(image_labels_.size()); }
  // What the recipe names, but no record is of.
  std::vector<std::string> sets_without_images() const;
  std::vector<std::string> modalities_without_images() const;
  // What heads that serve training alone tell apart: kinds of pictures and names, in their order, as JSON.
  std::string labels() const;
  // Names of what has masks.
  const std::set<std::string>& structures() const { return structures_; }

 private:
  void read_images(const FolderFacts& model);
  RecordsOfImage draw_records(const ImageRecords& image, Random& random) const;
  std::int64_t image_label(const ImageRecords& image) const;
  // `random`: of what varies in training; null: nothing does.
  void add_image(Batch& batch, const ImageRecords& image, const RecordsOfImage& records, Random* random);

  const Recipe& recipe_;
  Collator collator_;
  std::vector<ImageRecords> images_;
  std::int64_t left_out_ = 0;
  std::vector<double> cumulative_;                                   // of the images' weights
  std::map<std::array<std::string, 3>, std::int64_t> image_labels_;  // (set, modality, kind) → label
  std::set<std::string> structures_;
};

}  // namespace medplib::core
