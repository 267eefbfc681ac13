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

// Who wants one structure drawn, and says so in pixels of the padded input.
class SimulatedUser {
 public:
  // `inside` (H, W; 0 and 1, not empty): what is wanted. Box: begins with its bounding box, each side off by
  // up to 8 % of the box; Click: with a point well inside; Corrections: with nothing.
  SimulatedUser(PromptPlan::Kind kind, at::Tensor inside, const Letterbox& letterbox, std::uint64_t seed);

  // Clicks once more, where `drawn` (H, W logits) is wrong, and labels that with the truth; where nothing is
  // wrong, confirms what is. `low` (1, n, n): the same mask as the decoder drew it, which it starts from.
  void correct(const at::Tensor& drawn, const at::Tensor& low);

  const MaskPrompt& prompt() const { return prompt_; }

 private:
  void click(const at::Tensor& where, std::int64_t label);

  at::Tensor inside_;
  Letterbox letterbox_;
  Random random_;
  MaskPrompt prompt_;
};

}  // namespace medplib::core
