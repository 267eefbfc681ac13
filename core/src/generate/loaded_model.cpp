#include "generate/loaded_model.h"

#include "base/log.h"
#include "generate/device.h"
#include "generate/process.h"
#include "ops/threads.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <utility>

namespace medplib::core {

namespace {

constexpr std::int64_t kMostContext = 4096;

VerbTemplates verb_templates(const Manifest& manifest) {
  VerbTemplates verbs;
  if (manifest.segment_template) verbs.segment = *manifest.segment_template;
  if (manifest.describe_template) verbs.describe = *manifest.describe_template;
  return verbs;
}

// Tells how far loading is, and stops it.
class WatchedSource : public ParameterSource {
 public:
  WatchedSource(Checkpoint& checkpoint, const std::function<bool(double)>& progress)
      : checkpoint_(checkpoint), progress_(progress) {
    for (const TensorSummary& tensor : checkpoint.tensors()) total_ += c10::multiply_integers(tensor.shape);
  }

  at::Tensor take(const ParameterSpec& spec) override {
    at::Tensor tensor = checkpoint_.take(spec);
    done_ += tensor.numel();
    const double part = static_cast<double>(done_) / static_cast<double>(std::max<std::int64_t>(total_, 1));
    tell(std::min(part, 1.0));
    return tensor;
  }

  void tell(double part) const {
    if (progress_ && !progress_(part)) fail(ErrorCode::Cancelled, "Loading the model was cancelled.");
  }

 private:
  Checkpoint& checkpoint_;
  const std::function<bool(double)>& progress_;
  std::int64_t total_ = 0, done_ = 0;
};

Network build(Checkpoint& checkpoint, const ModelConfig& config,
              const std::function<bool(double)>& progress) {
  WatchedSource source(checkpoint, progress);
  Network network(source, config);
  checkpoint.finish();
  source.tell(1);  // what the checkpoint holds beside the network was counted too
  return network;
}

}  // namespace

FolderFacts::FolderFacts(std::filesystem::path given)
    : folder(std::move(given)),
      config(ModelConfig::read(folder / "config.json")),
      manifest(read_manifest(folder)),
      tokenizer(Tokenizer::load(folder)),
      conversation(conversation_template(manifest.conversation_template)),
      verbs(verb_templates(manifest)) {
  if (tokenizer.vocabulary_size() > config.language.vocabulary)
    fail(ErrorCode::Format, "The tokenizer of ", folder, " has ids up to ", tokenizer.vocabulary_size() - 1,
         ", but config.json's vocab_size is ", config.language.vocabulary, ". Take both from one model.");
}

std::int64_t default_context(const LanguageConfig& config) {
  return std::min(config.max_positions, kMostContext);
}

std::shared_ptr<const LoadedModel> load_model(const std::filesystem::path& folder,
                                              const LoadOptions& options) {
  check_not_forked();
  use_threads();
  const at::NoGradGuard no_gradients;
  const c10::Device device = open_device(options.device);
  const auto dtype = options.precision == Precision::BFloat16 ? at::kBFloat16 : at::kFloat;
  FolderFacts facts(folder);
  Checkpoint checkpoint(folder, dtype, device);
  ModelInfo info = model_info(facts, checkpoint, options.precision);
  Network network = build(checkpoint, facts.config, options.progress);
  at::Tensor positions = network.prompt_encoder.image_positions();
  log(LogLevel::Info, "Loaded a model of ", info.parameters, " parameters on ", device.str(), ".");
  return std::make_shared<const LoadedModel>(LoadedModel{.facts = std::move(facts),
                                                         .precision = options.precision,
                                                         .device = device,
                                                         .dtype = dtype,
                                                         .info = std::move(info),
                                                         .network = std::move(network),
                                                         .image_positions = std::move(positions)});
}

}  // namespace medplib::core
