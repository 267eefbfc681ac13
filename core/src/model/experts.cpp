#include "base/files.h"
#include "base/process.h"
#include "model/folder.h"
#include "model/subject.h"
#include "model/write_folder.h"
#include "nn/network.h"
#include "ops/own_state.h"
#include "weights/names.h"
#include "weights/sources.h"

#include <medplib/core/error.h>
#include <medplib/core/experts.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

namespace medplib::core {
namespace fs = std::filesystem;
namespace {

// A dense model whose weights fit its configuration.
struct DenseModel {
  DenseModel(const fs::path& folder, const std::function<void(double)>& between)
      : facts(folder), checkpoint(folder) {
    if (const MoeConfig& moe = facts.config.language.moe; !moe.layers.empty())
      fail(ErrorCode::Format, folder, " has experts already, in ", moe.layers.size(),
           " of its layers. Experts are made of dense models.");
    const std::function<void(double)> nothing_yet = [&](double) { between(0); };
    CheckedParameters source(checkpoint, nothing_yet);
    const Network network(source, facts.config);
    checkpoint.finish();
  }

  FolderFacts facts;
  Checkpoint checkpoint;
};

// What a mixture is made of.
struct Ingredients {
  std::vector<DenseModel> experts;
  std::optional<DenseModel> other;  // where all else isn't of the last expert's

  const DenseModel& rest() const { return other ? *other : experts.back(); }
};

// The keys of config.json in which two language models differ, with both values.
std::string differences(const LanguageConfig& one, const LanguageConfig& other) {
  std::string text;
  const auto compare = [&](const char* key, auto a, auto b) {
    if (a != b) text += text_of(text.empty() ? "" : ", ", key, " is ", a, " and ", b);
  };
  compare("hidden_size", one.hidden, other.hidden);
  compare("intermediate_size", one.ffn, other.ffn);
  compare("num_hidden_layers", one.layers, other.layers);
  compare("num_attention_heads", one.heads, other.heads);
  compare("vocab_size", one.vocabulary, other.vocabulary);
  compare("rms_norm_eps", one.norm_eps, other.norm_eps);
  compare("rope_theta", one.rope_theta, other.rope_theta);
  return text;
}

bool same_tokens(const Tokenizer& one, const Tokenizer& other) {
  if (one.vocabulary_size() != other.vocabulary_size()) return false;
  for (TokenId id = 0; id < one.vocabulary_size(); ++id) {
    const Piece a = one.piece(id), b = other.piece(id);
    if (a.kind != b.kind || a.text != b.text) return false;
  }
  return true;
}

// Errors: Format.
void need_alike(const DenseModel& one, const DenseModel& other) {
  const fs::path &a = one.facts.folder, &b = other.facts.folder;
  const std::string differ = differences(one.facts.config.language, other.facts.config.language);
  if (!differ.empty())
    fail(ErrorCode::Format, a, " and ", b, " differ: ", differ,
         ". Experts are made of models of one architecture.");
  if (!same_tokens(one.facts.tokenizer, other.facts.tokenizer))
    fail(ErrorCode::Format, a, " and ", b, " have tokenizers that differ. Experts read the same tokens.");
}

Ingredients open_models(const ExpertsOptions& options) {
  Ingredients models;
  for (const fs::path& folder : options.from) models.experts.emplace_back(folder, options.between);
  if (!options.rest.empty()) models.other.emplace(options.rest, options.between);
  for (const DenseModel& expert : models.experts) need_alike(expert, models.rest());
  return models;
}

// Errors: InvalidArgument.
std::vector<std::int64_t> layers_with_experts(const ExpertsOptions& options, std::int64_t count) {
  std::vector<std::int64_t> layers = options.layers;
  if (layers.empty()) {
    layers.resize(static_cast<std::size_t>(count));
    std::iota(layers.begin(), layers.end(), 0);
  }
  std::ranges::sort(layers);
  if (const auto twice = std::ranges::adjacent_find(layers); twice != layers.end())
    fail(ErrorCode::InvalidArgument, "Layer ", *twice, " is named twice.");
  for (const std::int64_t layer : layers)
    if (layer < 0 || layer >= count)
      fail(ErrorCode::InvalidArgument, "There is no layer ", layer, ": the models have ", count,
           " layers, counted from 0.");
  return layers;
}

// The rest's config.json, with as many experts in these layers.
Json config_of(const Ingredients& models, const std::vector<std::int64_t>& layers) {
  Json config = read_json(models.rest().facts.folder / "config.json");
  config["moe"] = {{"moe_enable", true},
                   {"moe_layers_idx", layers},
                   {"num_experts", std::vector<std::size_t>(layers.size(), models.experts.size())},
                   {"top_k_experts", 1},
                   {"capacity_factor", 1.5},
                   {"eval_capacity_factor", 2.0},
                   {"min_capacity", 0},
                   {"use_residual", false},
                   {"ep_size", 1},
                   {"router_aux_loss_coef", 0.01}};
  return config;
}

// "language.layers.3.moe.experts.1.gate.weight" is expert 1's "language.layers.3.ffn.gate.weight".
std::optional<std::pair<std::size_t, std::string>> of_expert(const std::string& name) {
  static const std::string marker = ".moe.experts.";
  const std::size_t found = name.find(marker);
  if (found == std::string::npos) return std::nullopt;
  const std::size_t number = found + marker.size(), rest = name.find('.', number);
  return std::pair{std::stoul(name.substr(number, rest - number)),
                   name.substr(0, found) + ".ffn" + name.substr(rest)};
}

// All tensors of the mixture under published names: views of the models' files, and a fresh router.
NamedTensors tensors_of(const Ingredients& models, const Json& config, std::uint64_t seed) {
  ParameterShapes shapes;
  const Network network(shapes, ModelConfig::from_json(config, "the mixture's configuration"));
  NamedTensors all;
  for (const ParameterSpec& spec : shapes.all()) {
    NamedTensors stored;
    if (const auto expert = of_expert(spec.name))
      stored = models.experts.at(expert->first).checkpoint.as_stored(expert->second, spec.name);
    else if (spec.name.ends_with(".moe.router.weight"))
      stored = {{published_name(spec.name), fresh_value(seed, spec)}};
    else
      stored = models.rest().checkpoint.as_stored(spec.name, spec.name);
    all.insert(all.end(), stored.begin(), stored.end());
  }
  return all;
}

// The rest's, with the licences and the data of all.
Manifest manifest_of(const Ingredients& models) {
  Manifest manifest = models.rest().facts.manifest;
  manifest.stage = kJoinedExperts;
  for (const DenseModel& expert : models.experts) {
    const Manifest& its = expert.facts.manifest;
    if (manifest.licence.find(its.licence) == std::string::npos)
      manifest.licence += (manifest.licence.empty() ? "" : "; ") + its.licence;
    for (const Json& set : its.trained_on)
      if (std::ranges::find(manifest.trained_on, set) == manifest.trained_on.end())
        manifest.trained_on.push_back(set);
  }
  return manifest;
}

// Errors: State.
void need_nothing_at(const fs::path& out) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(out, ignored)))
    fail(ErrorCode::State, out, " is there already. Choose another folder.");
}

}  // namespace

void join_experts(const ExpertsOptions& options) {
  check_not_forked();
  const OwnState own;
  // "moe/" as "moe".
  const fs::path out = options.out.has_filename() ? options.out : options.out.parent_path();
  if (options.from.size() < 2)
    fail(ErrorCode::InvalidArgument, "A mixture needs two models or more; ", options.from.size(),
         options.from.size() == 1 ? " is" : " are", " named.");
  need_nothing_at(out);
  const Ingredients models = reading(Subject::Model, [&] { return open_models(options); });
  const Json config =
      config_of(models, layers_with_experts(options, models.rest().facts.config.language.layers));
  write_folder(out, [&](const fs::path& fresh) {
    write_safetensors(fresh / kSingleFile, tensors_of(models, config, options.seed), {{"format", "pt"}},
                      options.between);
    write_file(fresh / "config.json", config.dump(2) + "\n");
    copy_tokenizer(models.rest().facts.folder, fresh);
    Manifest manifest = manifest_of(models);
    manifest.made_from = made_from(options.from);
    manifest.files = hash_files(fresh, [&] { options.between(1); });
    write_manifest(fresh, manifest);
    need_nothing_at(out);  // in the meantime
  });
}

}  // namespace medplib::core
