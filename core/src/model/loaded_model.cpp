#include "model/loaded_model.h"

#include "base/log.h"
#include "base/process.h"
#include "model/device.h"
#include "model/info.h"
#include "ops/own_state.h"
#include "ops/threads.h"
#include "weights/sources.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <utility>

namespace medplib::core {

namespace {

Network build(Checkpoint& checkpoint, const ModelConfig& config,
              const std::function<bool(double)>& progress) {
  WatchedParameters source(checkpoint, progress);
  Network network(source, config);
  checkpoint.finish();
  source.finish();  // what the checkpoint holds beside the network was counted too
  return network;
}

}  // namespace

std::shared_ptr<const LoadedModel> load_model(const std::filesystem::path& folder,
                                              const LoadOptions& options) {
  check_not_forked();
  const OwnState own;
  use_threads();
  const at::NoGradGuard no_gradients;
  const c10::Device device = open_device(options.device);
  const auto dtype = dtype_of(options.precision);
  FolderFacts facts(folder);
  Checkpoint checkpoint(folder, dtype, device);
  ModelInfo info = model_info(facts, checkpoint, options.precision);
  Network network = build(checkpoint, facts.config, options.progress);
  at::Tensor positions = network.prompt_encoder.image_positions();
  log(LogLevel::Info, "Loaded a model of ", info.parameters, " parameters on ", device.str(), ": ",
      words_of(info.weights), ".");
  if (!info.weights.left_alone.empty())
    log(LogLevel::Info, "Left alone: ", first_five(info.weights.left_alone), ".");
  return std::make_shared<const LoadedModel>(LoadedModel{.facts = std::move(facts),
                                                         .precision = options.precision,
                                                         .device = device,
                                                         .dtype = dtype,
                                                         .info = std::move(info),
                                                         .network = std::move(network),
                                                         .image_positions = std::move(positions)});
}

}  // namespace medplib::core
