// Simulated users: boxes and clicks made from a true mask, as interactive segmentation is trained (SAM,
// SAM-Med2D).
#pragma once

#include "image/geometry.h"
#include "nn/sam_decoder.h"
#include "train/augment.h"

#include <ATen/core/Tensor.h>

namespace medplib::core {

enum class PromptKind { Box, Click, Correction };

// What a simulated user does.
struct PromptPlan {
  PromptKind kind = PromptKind::Box;
  std::uint64_t clicks = 0;  // Click, Correction: how many

  // A box in half of all cases, one to three corrections in three eighths, else a click.
  static PromptPlan draw(Random& random);
};

// What a user who wants `inside` (H, W; 0 and 1, not empty) would point at, in pixels of the padded input:
// Box: its bounding box, each side off by up to 8 % of the box; Click: points well
// inside; Correction: points where `drawn` (H, W logits) is wrong, each labelled with the truth.
MaskPrompt simulate_prompt(const PromptPlan& plan, const at::Tensor& inside, const at::Tensor& drawn,
                           const Letterbox& letterbox, Random& random);

}  // namespace medplib::core
