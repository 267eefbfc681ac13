#include "model/info.h"
#include "model/loaded_model.h"
#include "ops/own_state.h"

#include <medplib/core/model.h>

namespace medplib::core {

namespace fs = std::filesystem;

Model Model::load(const fs::path& folder, const LoadOptions& options) {
  return Model(load_model(folder, options));
}

const ModelInfo& Model::info() const { return loaded_->info; }

std::string Model::device() const { return loaded_->device.str(); }

Precision Model::precision() const { return loaded_->precision; }

ModelInfo inspect(const fs::path& folder, Precision precision) {
  const OwnState own;
  return model_info(FolderFacts(folder), Checkpoint(folder, dtype_of(precision)), precision);
}

}  // namespace medplib::core
