// Masks on an image: from the states that predict <SEG>, or from clicks.
#pragma once

#include "generate/decoder.h"
#include "vision/encoded_image.h"

#include <medplib/core/mask.h>
#include <medplib/core/session.h>

#include <optional>
#include <string>
#include <vector>

namespace medplib::core {

// One mask each, in order. `presence` is theirs where the token was really chosen.
struct StateToDraw {
  at::Tensor state;  // (C)
  std::optional<double> presence;
};
std::vector<Mask> draw_states(const LoadedModel& model, EncodedImage& image,
                              const std::vector<StateToDraw>& states, const std::string& label,
                              double threshold, const Interrupt& interrupt);

// A mask from clicks, a box and an earlier mask: at least one of the first two. Errors: InvalidArgument.
Mask draw_prompted(const LoadedModel& model, EncodedImage& image, const std::optional<Mask>& earlier,
                   const std::vector<Click>& clicks, const std::optional<Region>& box, double threshold,
                   const Interrupt& interrupt);

// The masks from clicks, a box and low-resolution logits (n × n, CV_32FC1; empty: none): at least one of the
// first two. `multimask`: the decoder's further masks instead of the first, where they were trained. Errors:
// InvalidArgument.
std::vector<Prediction> draw_predictions(const LoadedModel& model, EncodedImage& image,
                                         const std::vector<Click>& clicks, const std::optional<Region>& box,
                                         const cv::Mat& low_resolution, bool multimask,
                                         const Interrupt& interrupt);

}  // namespace medplib::core
