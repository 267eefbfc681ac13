// Simulated users: boxes and clicks made from a true mask, as interactive segmentation is trained (SAM,
// SAM-Med2D; clicks that follow each other: Sofiiuk et al., 2021).
#pragma once

#include "image/geometry.h"
#include "nn/sam_decoder.h"
#include "train/augment.h"

#include <ATen/core/Tensor.h>

namespace medplib::core {

// What a simulated user does.
struct PromptPlan {
  enum class Kind { Box, Click, Corrections } kind = Kind::Box;
  std::uint64_t corrections = 0;  // clicks, each where the mask drawn after those before it is wrong

  // A box in half of all cases, one to three corrections in three eighths, else a click.
  static PromptPlan draw(Random& random);
};

// In pixels of the padded input. `inside` (H, W; 0 and 1, not empty) is what the user wants.

// Its bounding box, each side off by up to 8 % of the box.
MaskPrompt simulate_box(const at::Tensor& inside, const Letterbox& letterbox, Random& random);

// A point well inside.
MaskPrompt simulate_click(const at::Tensor& inside, const Letterbox& letterbox, Random& random);

// One more click, where `drawn` (H, W logits) is wrong, labelled with the truth; where nothing is wrong, one
// that confirms what is.
void add_correction(MaskPrompt& prompt, const at::Tensor& inside, const at::Tensor& drawn,
                    const Letterbox& letterbox, Random& random);

}  // namespace medplib::core
