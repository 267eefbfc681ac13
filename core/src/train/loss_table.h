// The losses of a training, a row each. To add one:
//
// 1. Write its function in train/losses.{h,cpp}.
// 2. Give it a row in kLosses. The key of a recipe, the sum that is minimised, log.jsonl, and the line on the
//    terminal follow from it; docs/training.md gets the same row, which a test compares.
// 3. If it judges single masks, the row names its function, and that is all. Any other is computed in
//    train/forward.cpp where its inputs are at hand, and added there by Pass::add("its key", loss).
// 4. Test its value in tests/core/train/test_pack.cpp. tests/core/train/test_forward.cpp compares a batch
//    with its parts for every row.
#pragma once

#include "train/losses.h"

#include <array>
#include <cstddef>
#include <string_view>

namespace medplib::core {

struct LossRow {
  const char* key;      // of its weight in a recipe, and of its value in log.jsonl and on the terminal
  double weight;        // where the recipe gives none
  const char* meaning;  // as docs/training.md says it
  at::Tensor (*of_mask)(const DrawnMask&) = nullptr;  // for a loss of single masks, a batch's mean over them
  bool only_nonempty = false;                         // that mean is over masks with something in them
  bool always = false;  // computed even when its weight is 0, since it says how a training goes
};

inline constexpr std::array kLosses{
    LossRow{.key = "cross_entropy", .weight = 1, .meaning = "words of the answers", .always = true},
    LossRow{.key = "dice",
            .weight = 1,
            .meaning = "overlap of masks that aren't empty",
            .of_mask = dice_loss,
            .only_nonempty = true,
            .always = true},
    LossRow{.key = "bce", .weight = 2, .meaning = "pixels of masks", .of_mask = bce_loss, .always = true},
    LossRow{.key = "focal",
            .weight = 0,
            .meaning = "pixels once more, most where they are wrong",
            .of_mask = focal_loss},
    LossRow{
        .key = "iou", .weight = 0, .meaning = "how well the model foretells its IoU", .of_mask = iou_loss},
    LossRow{.key = "prompted", .weight = 0.5, .meaning = "masks drawn from boxes and clicks"},
    LossRow{.key = "router",
            .weight = 0.01,
            .meaning = "even use of the experts; its weight is multiplied by that of `cross_entropy`",
            .always = true},
    LossRow{.key = "image_label", .weight = 0, .meaning = "the kind of picture, told by the image towers"},
    LossRow{.key = "structure_label",
            .weight = 0,
            .meaning = "the structure in each cell of CLIP's grid, told from its features"},
    LossRow{.key = "name_link",
            .weight = 0,
            .meaning = "distance of a mask's text prompt from the vector of its structure's name"}};

// A row of kLosses by its key, such as "dice". One that isn't there doesn't compile.
class LossKey {
 public:
  consteval LossKey(const char* key) : row_(row_of(key)) {}
  explicit constexpr LossKey(std::size_t row) : row_(row) {}
  constexpr std::size_t row() const { return row_; }

 private:
  static consteval std::size_t row_of(std::string_view key) {
    for (std::size_t row = 0; row < kLosses.size(); ++row)
      if (kLosses[row].key == key) return row;
    throw "kLosses has no such row";
  }

  std::size_t row_;
};

// A value for each loss.
template <class T>
class PerLoss {
 public:
  T& operator[](LossKey key) { return values_[key.row()]; }
  const T& operator[](LossKey key) const { return values_[key.row()]; }

 private:
  std::array<T, kLosses.size()> values_{};
};

// Calls `visit` with each row's key.
template <class Visit>
void for_each_loss(const Visit& visit) {
  for (std::size_t row = 0; row < kLosses.size(); ++row) visit(LossKey(row), kLosses[row]);
}

}  // namespace medplib::core
