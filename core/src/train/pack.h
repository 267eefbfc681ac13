// Several questions about one image in one sequence: they share the image and don't see each other.
#pragma once

#include "text/prompt.h"

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

namespace medplib::core {

struct PackedPrompt {
  std::vector<TokenId> ids;            // placeholders for images and regions not yet expanded
  std::vector<TokenId> labels;         // of the same length
  std::vector<std::int64_t> question;  // of each id: 0 = the part that all share, then 1, 2, …
  // Of each image and region placeholder, in order: which image, and which region. As pack leaves them, the
  // regions of the conversations are counted through.
  std::vector<std::size_t> images, regions;
};

// Errors: Format when the conversations don't begin alike up to the end of their images.
PackedPrompt pack(std::span<const LabelledPrompt> conversations, const Tokenizer& tokenizer);

// What the language model needs beside the embeddings, for sequences of differing lengths padded to the
// longest (T).
struct PackedTensors {
  at::Tensor positions;  // (B, T) int64: each question goes on where the shared part ends
  at::Tensor mask;    // (B, 1, T, T): 0 where a token may look, −∞ elsewhere. Padding sees all that isn't
                      // padding, as in the published code: it counts in the router's means.
  at::Tensor labels;  // (B, T) int64: kIgnoredLabel where nothing is learned
};

PackedTensors pack_tensors(std::span<const PackedPrompt> prompts, std::int64_t image_tokens);

}  // namespace medplib::core
