// Which part of a region a training shows.
#pragma once

#include "train/augment.h"

#include <medplib/core/names.h>

#include <ATen/core/Tensor.h>

namespace medplib::core {

enum class RegionPart {
  Whole,    // as it is given
  Random,   // a connected part of its largest piece, 0.2 to 1.0 of its cells: what the published code means
  Largest,  // that piece: what the published code's random part is in 97 to 99.7 of a hundred draws, by a
            // fault
};

template <>
struct Names<RegionPart> {
  static constexpr const char* kind = "region part";
  static constexpr NameTable<RegionPart, 3> all = {
      {{RegionPart::Whole, "whole"}, {RegionPart::Random, "random"}, {RegionPart::Largest, "largest"}}};
};

// `cells`: (grid, grid) uint8, ≠ 0 inside; an empty region stays empty. Cells that touch along an edge are
// connected.
at::Tensor part_of_region(const at::Tensor& cells, RegionPart part, Random& random);

}  // namespace medplib::core
