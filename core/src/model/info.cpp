#include "model/info.h"

#include "base/json.h"
#include "model/memory.h"
#include "nn/network.h"
#include "weights/sources.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace medplib::core {

namespace {

constexpr std::int64_t kMostContext = 4096;

using Sizes = std::vector<std::pair<std::string, std::int64_t>>;

Sizes language_sizes(const ModelConfig& config) {
  const LanguageConfig& part = config.language;
  return {{"layers", part.layers},
          {"width", part.hidden},
          {"heads", part.heads},
          {"ffn", part.ffn},
          {"vocabulary", part.vocabulary}};
}

Sizes clip_sizes(const ModelConfig& config) {
  const ClipConfig& part = config.clip;
  return {{"layers", part.layers}, {"width", part.hidden},          {"heads", part.heads},
          {"ffn", part.ffn},       {"image_size", part.image_size}, {"patch_size", part.patch},
          {"grid", part.grid()}};
}

Sizes image_encoder_sizes(const ModelConfig& config) {
  const SamConfig& part = config.sam;
  return {{"layers", part.depth},
          {"width", part.dim},
          {"heads", part.heads},
          {"ffn", part.mlp_ratio * part.dim},
          {"image_size", part.image_size},
          {"patch_size", part.patch},
          {"grid", part.grid()}};
}

Sizes mask_decoder_sizes(const ModelConfig& config) {
  const SamConfig& part = config.sam;
  return {{"layers", part.decoder_depth},
          {"width", part.channels},
          {"heads", part.decoder_heads},
          {"ffn", part.decoder_mlp},
          {"mask_size", part.low_resolution()}};
}

Sizes image_to_language(const ModelConfig& config) {
  return {{"in", config.clip.hidden}, {"out", config.language.hidden}};
}

Sizes language_to_mask(const ModelConfig& config) {
  return {{"in", config.language.hidden}, {"out", config.sam.channels}};
}

struct Part {
  std::string_view prefix;  // of its parameters' names
  std::string_view name;
  Sizes (*sizes)(const ModelConfig&);
};
constexpr std::array kParts = {Part{"language.", "language", language_sizes},
                               Part{"clip.", "clip", clip_sizes},
                               Part{"projector.", "projector", image_to_language},
                               Part{"region_adapter.", "region adapter", image_to_language},
                               Part{"seg_projection.", "mask prompt", language_to_mask},
                               Part{"sam.encoder.", "image encoder", image_encoder_sizes},
                               Part{"sam.", "mask decoder", mask_decoder_sizes}};

std::string_view part_of(const std::string& name) {
  const auto* const part =
      std::ranges::find_if(kParts, [&](const Part& each) { return name.starts_with(each.prefix); });
  if (part == kParts.end())
    fail(ErrorCode::Internal, "The table of parts (model/info.cpp) has no row for '", name, "'.");
  return part->name;
}

// Parameters that a decoded token passes through: one row of the embedding, the chosen experts alone.
std::int64_t read_per_token(const ParameterSpec& spec, const LanguageConfig& config) {
  const std::int64_t size = c10::multiply_integers(spec.shape);
  if (!spec.name.starts_with("language.")) return 0;
  if (spec.name == "language.embed.weight") return config.hidden;
  const auto at = spec.name.find(".moe.experts.");
  if (at == std::string::npos) return size;
  // The first k experts stand for those that are chosen.
  return std::stoll(spec.name.substr(at + std::string_view(".moe.experts.").size())) < config.moe.top_k ? size
                                                                                                        : 0;
}

std::string storage_of(const Checkpoint& checkpoint) {
  std::map<std::string, double> bytes;
  for (const TensorSummary& tensor : checkpoint.tensors()) {
    const char* name = tensor.dtype == at::kChar       ? "int8"
                       : tensor.dtype == at::kBFloat16 ? "bfloat16"
                       : tensor.dtype == at::kHalf     ? "float16"
                       : tensor.dtype == at::kFloat    ? "float32"
                                                       : "other";
    bytes[name] += static_cast<double>(c10::multiply_integers(tensor.shape)) *
                   static_cast<double>(c10::elementSize(tensor.dtype));
  }
  std::vector<std::pair<double, std::string>> sorted;
  sorted.reserve(bytes.size());
  for (const auto& [name, size] : bytes) sorted.emplace_back(size, name);
  std::ranges::sort(sorted, std::greater<>());
  std::string text;
  for (const auto& [size, name] : sorted) {
    std::array<char, 64> line{};
    (void)std::snprintf(line.data(), line.size(), "%s%s %.1f MB", text.empty() ? "" : ", ", name.c_str(),
                        size / 1e6);
    text += line.data();
  }
  return text;
}

std::vector<std::string> names_of(const Json& trained_on) {
  std::vector<std::string> names;
  for (const Json& set : trained_on)
    names.push_back(set.is_string() ? set.get<std::string>() : set.value("name", set.dump()));
  return names;
}

void add_parameters(ModelInfo& info, const ModelConfig& config, const std::vector<ParameterSpec>& all) {
  for (const Part& part : kParts)
    info.parts.push_back({.name = std::string(part.name), .sizes = part.sizes(config)});
  for (const ParameterSpec& spec : all) {
    if (spec.buffer) continue;
    const std::int64_t size = c10::multiply_integers(spec.shape),
                       read = read_per_token(spec, config.language);
    const auto part = std::ranges::find(info.parts, part_of(spec.name), &PartInfo::name);
    part->parameters += size;
    part->read_per_token += read;
    info.parameters += size;
    info.read_per_token += read;
  }
}

}  // namespace

std::int64_t default_context(const LanguageConfig& config) {
  return std::min(config.max_positions, kMostContext);
}

ModelInfo model_info(const FolderFacts& facts, const Checkpoint& checkpoint, Precision precision) {
  const ModelConfig& config = facts.config;
  const std::int64_t element_bytes = precision == Precision::BFloat16 ? 2 : 4;
  ModelInfo info;
  info.folder = facts.folder;
  info.name = facts.manifest.name;
  info.stage = facts.manifest.stage;
  info.licence = facts.manifest.licence;
  info.intended_use = facts.manifest.trained_for;
  info.trained_on = names_of(facts.manifest.trained_on);
  info.storage = storage_of(checkpoint);
  info.conversation_template = to_text(facts.conversation);
  info.mask_geometry = to_text(facts.manifest.mask_geometry);
  info.threshold = facts.manifest.threshold;
  info.refines = facts.manifest.refine;
  info.segments_in_region = facts.manifest.segment_in_region;
  info.estimates_iou = facts.manifest.iou_estimate;
  ParameterShapes shapes;
  const Network network(shapes, config);
  add_parameters(info, config, shapes.all());
  for (std::int64_t i = 0; i < config.language.layers; ++i)
    info.experts.push_back(config.language.moe.experts_in(i));
  info.experts_per_token = config.language.moe.top_k;
  info.image_tokens = config.image_tokens();
  info.context = default_context(config.language);
  info.weights = checkpoint.info();
  info.memory = memory_of(shapes.all(), checkpoint, config, element_bytes, info.context);
  return info;
}

namespace {

Json json_of(const WeightsInfo& weights) {
  return {{"files", weights.files},
          {"tensors", weights.tensors},
          {"bytes", weights.bytes},
          {"left_alone", weights.left_alone}};
}

Json json_of(const MemoryInfo& memory) {
  return {{"mapped_bytes", memory.mapped},   {"resident_bytes", memory.resident()},
          {"weights_bytes", memory.weights}, {"cache_bytes", memory.cache},
          {"working_bytes", memory.working}, {"program_bytes", memory.program()}};
}

}  // namespace

std::string info_json(const ModelInfo& info) {
  Json parts = Json::array();
  for (const PartInfo& part : info.parts) {
    Json sizes = Json::object();
    for (const auto& [name, size] : part.sizes) sizes[name] = size;
    parts.push_back({{"name", part.name},
                     {"parameters", part.parameters},
                     {"read_per_token", part.read_per_token},
                     {"sizes", sizes}});
  }
  return json_text({{"folder", info.folder.string()},
                    {"name", info.name},
                    {"stage", info.stage},
                    {"licence", info.licence},
                    {"intended_use", info.intended_use},
                    {"trained_on", info.trained_on},
                    {"storage", info.storage},
                    {"conversation_template", info.conversation_template},
                    {"mask_geometry", info.mask_geometry},
                    {"threshold", info.threshold},
                    {"refines", info.refines},
                    {"segments_in_region", info.segments_in_region},
                    {"estimates_iou", info.estimates_iou},
                    {"parts", parts},
                    {"parameters", info.parameters},
                    {"read_per_token", info.read_per_token},
                    {"experts", info.experts},
                    {"experts_per_token", info.experts_per_token},
                    {"image_tokens", info.image_tokens},
                    {"context", info.context},
                    {"weights", json_of(info.weights)},
                    {"memory_bytes", info.memory.total()},
                    {"memory", json_of(info.memory)}});
}

std::string verification_json(const Verification& found) {
  return json_text(
      {{"problems", found.problems}, {"has_hashes", found.has_hashes}, {"weights", json_of(found.read)}});
}

}  // namespace medplib::core
