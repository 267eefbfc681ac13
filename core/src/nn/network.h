// The whole network (docs/model.md, Overview): its parts and how they are connected. Sessions and training
// both run this.
#pragma once

#include "nn/clip.h"
#include "nn/config.h"
#include "nn/language.h"
#include "nn/projector.h"
#include "nn/region.h"
#include "nn/sam_decoder.h"
#include "nn/sam_encoder.h"

#include <span>

namespace medplib::core {

struct Network {
  Network(ParameterSource& source, const ModelConfig& config);

  ModelConfig config;
  Clip clip;
  Projector projector;
  RegionPooling region;
  Language language;
  Linear seg_hidden, seg_out;
  SamEncoder sam_encoder;
  PromptEncoder prompt_encoder;
  MaskDecoder mask_decoder;

  // Hidden states (n, C) that predict <SEG> → text prompts of the mask decoder (n, channels):
  // text_hidden_fcs. From here to the masks all is float32, whatever the model's precision, but
  // for a training's autocast.
  at::Tensor seg_embedding(const at::Tensor& hidden) const;

  // The language model's input for a prompt's ids, image and region placeholders filled in: (T, C).
  // `images`: (tokens, C) each, in order; `regions`: (C) each, in order. Errors: InvalidArgument when their
  // numbers differ from the placeholders'.
  at::Tensor embed_prompt(std::span<const std::int64_t> ids, std::span<const at::Tensor> images,
                          std::span<const at::Tensor> regions) const;
};

}  // namespace medplib::core
