#include "nn/network.h"

#include "text/tokenizer.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>

namespace medplib::core {

Network::Network(ParameterSource& source, const ModelConfig& given)
    : config(given),
      clip(Scope(source, "clip"), config.clip),
      projector(Scope(source, "projector"), config),
      region(Scope(source, "region_adapter"), config),
      language(Scope(source, "language"), config.language),
      seg_hidden(Scope(source, "seg_projection").in_float32() / 0, config.language.hidden,
                 config.language.hidden),
      seg_out(Scope(source, "seg_projection").in_float32() / 2, config.language.hidden, config.sam.channels),
      sam_encoder(Scope(source, "sam") / "encoder", config.sam),
      prompt_encoder(Scope(source, "sam").in_float32() / "prompt", config.sam),
      mask_decoder(Scope(source, "sam").in_float32() / "decoder", config.sam) {}

at::Tensor Network::seg_embedding(const at::Tensor& hidden) const {
  return seg_out(at::relu(seg_hidden(hidden.to(at::kFloat))));
}

at::Tensor Network::embed_prompt(std::span<const std::int64_t> ids, std::span<const at::Tensor> images,
                                 std::span<const at::Tensor> regions) const {
  std::vector<at::Tensor> parts;
  std::vector<std::int64_t> run;
  std::size_t image = 0, region_index = 0;
  const auto flush = [&] {
    if (!run.empty()) parts.push_back(language.embed(at::tensor(run, at::kLong)));
    run.clear();
  };
  for (const std::int64_t id : ids) {
    if (id != kImagePlaceholder && id != kRegionPlaceholder) {
      run.push_back(id);
      continue;
    }
    flush();
    if (id == kImagePlaceholder) {
      if (image == images.size())
        fail(ErrorCode::InvalidArgument, "The prompt names more images than the ", images.size(), " given.");
      parts.push_back(images[image++]);
    } else {
      if (region_index == regions.size())
        fail(ErrorCode::InvalidArgument, "The prompt names more regions than the ", regions.size(),
             " given.");
      parts.push_back(regions[region_index++].unsqueeze(0));
    }
  }
  flush();
  if (image != images.size() || region_index != regions.size())
    fail(ErrorCode::InvalidArgument, "The prompt names ", image, " images and ", region_index,
         " regions, but ", images.size(), " and ", regions.size(), " were given.");
  return at::cat(parts, 0);
}

}  // namespace medplib::core
