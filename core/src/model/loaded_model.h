// What Model stands for: everything that a folder holds, on its device. Read by all sessions, changed by
// none.
#pragma once

#include "model/folder.h"
#include "nn/network.h"

#include <medplib/core/model.h>

#include <c10/core/Device.h>

#include <memory>

namespace medplib::core {

struct LoadedModel {
  FolderFacts facts;
  Precision precision;
  c10::Device device;
  c10::ScalarType dtype;
  ModelInfo info;
  Network network;
  at::Tensor image_positions;  // (channels, g, g), of the mask decoder

  at::TensorOptions options() const { return at::TensorOptions(dtype).device(device); }
};

std::shared_ptr<const LoadedModel> load_model(const std::filesystem::path& folder,
                                              const LoadOptions& options);

}  // namespace medplib::core
