#include "train/parameter_set.h"

#include "model/device.h"
#include "train/patterns.h"
#include "weights/sources.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace medplib::core {
namespace {

// What draws; the rest answers.
bool draws(const ParameterSpec& spec) {
  return spec.role == Role::Name || matches_any(spec.name, {"sam", "training.sam"});
}

bool is_of_objective(const Recipe& recipe, const ParameterSpec& spec) {
  if (recipe.objective == Objective::Joint) return spec.role != Role::Name;
  return draws(spec) == (recipe.objective == Objective::Grounding);
}

// Of the model what `teach` names, or all; with LoRA, nothing but adapters where it names nothing.
bool is_taught(const Recipe& recipe, const ParameterSpec& spec) {
  if (spec.role != Role::Model) return true;
  if (recipe.teach.empty()) return recipe.lora.targets.empty();
  return matches_any(spec.name, recipe.teach);
}

std::string adapter_name(const std::string& weight, const char* matrix) {
  return weight.substr(0, weight.rfind('.')) + "." + matrix;
}

}  // namespace

std::string part_of(const std::string& name) {
  const std::size_t first = name.find('.');
  return name.substr(0, name.starts_with("sam.") ? name.find('.', first + 1) : first);
}

ParameterSet::ParameterSet(const Recipe& recipe, StartingValues& start, Values values)
    : recipe_(recipe),
      start_(start),
      values_(values),
      device_(open_device(recipe.device)),
      random_(new_generator(device_)) {
  if (!device_.is_cpu() && values == Values::Real)
    fail(ErrorCode::Unsupported, "Training on ", device_.str(), " isn't there yet. Use \"device\": \"cpu\".");
  if (!recipe.lora.targets.empty() && recipe.lora.dropout > 0)
    dropout_ = std::make_shared<Dropout>(Dropout{.share = recipe.lora.dropout, .random = random_});
}

at::Tensor ParameterSet::value_of(const ParameterSpec& spec, c10::ScalarType dtype, ValueFrom& from) {
  if (values_ == Values::ShapesAlone) {
    if (start_.has(spec)) from = ValueFrom::Start;
    return shape_alone(spec, dtype);
  }
  const std::optional<at::Tensor> given = start_.find(spec);
  if (given) from = ValueFrom::Start;
  return (given ? *given : fresh_value(recipe_.seed, spec)).to(device_, dtype);
}

const at::Tensor& ParameterSet::add(const ParameterSpec& spec, bool is_matrix, bool adapted) {
  const c10::NoGradGuard no_grad;
  Parameter added;
  added.name = spec.name;
  added.role = spec.role;
  added.of_objective = is_of_objective(recipe_, spec);
  added.teachable =
      added.of_objective && !adapted && is_taught(recipe_, spec) && !matches_any(spec.name, recipe_.freeze);
  // Names stand still when a model has words for them.
  const bool trained = added.teachable && !spec.buffer && !(spec.role == Role::Name && has_words());
  // Products are computed in bfloat16 there: a matrix that nobody changes needs no more.
  const bool narrow = recipe_.precision == Precision::BFloat16 && is_matrix && !trained && !spec.float32;
  added.value = value_of(spec, narrow ? at::kBFloat16 : at::kFloat, added.from);
  // What may be written to is this training's own, not a view of a file.
  if (values_ == Values::Real && (trained || !is_matrix)) added.value = added.value.clone();
  added.value.set_requires_grad(trained);
  index_[spec.name] = parameters_.size();
  return parameters_.emplace_back(std::move(added)).value;
}

at::Tensor ParameterSet::take(const ParameterSpec& spec) { return add(spec, /*is_matrix=*/false, false); }

Weight ParameterSet::take_weight(const ParameterSpec& spec) {
  const bool adapted = spec.shape.size() == 2 && matches_any(spec.name, recipe_.lora.targets);
  const at::Tensor value = add(spec, /*is_matrix=*/true, adapted);
  if (!adapted) return {.stored = value};
  return {.stored = value, .adapter = adapters_[spec.name] = add_adapter(spec)};
}

Lora ParameterSet::add_adapter(const ParameterSpec& weight) {
  const auto take = [&](const char* matrix, std::vector<std::int64_t> shape, Init init) {
    return add({.name = adapter_name(weight.name, matrix),
                .shape = std::move(shape),
                .init = init,
                .role = Role::Adapter},
               /*is_matrix=*/true, false);
  };
  const std::int64_t rank = recipe_.lora.rank;
  return {.a = take("lora_a", {rank, weight.shape[1]}, Init::FanIn),
          .b = take("lora_b", {weight.shape[0], rank}, Init::Zeros),
          .alpha = recipe_.lora.alpha,
          .dropout = dropout_};
}

void ParameterSet::check_patterns() const {
  const auto fits = [&](const std::string& pattern) {
    return std::ranges::any_of(parameters_, [&](const auto& it) { return matches(it.name, pattern); });
  };
  const auto adapts = [&](const std::string& pattern) {
    return std::ranges::any_of(adapters_, [&](const auto& it) { return matches(it.first, pattern); });
  };
  const auto refuse = [&](const char* key, const std::string& pattern, const char* what) {
    std::vector<std::string> parts;
    for (const Parameter& parameter : parameters_)
      if (std::ranges::find(parts, part_of(parameter.name)) == parts.end())
        parts.push_back(part_of(parameter.name));
    std::string list;
    for (const auto& part : parts) list += (list.empty() ? "" : ", ") + part;
    fail(ErrorCode::Format, "\"", key, "\" names ", pattern, ", but no ", what, " begins so. The parts are ",
         list, ".");
  };
  for (const auto& pattern : recipe_.freeze)
    if (!fits(pattern)) refuse("freeze", pattern, "parameter");
  for (const auto& pattern : recipe_.teach)
    if (!fits(pattern)) refuse("teach", pattern, "parameter");
  for (const auto& pattern : recipe_.lora.targets)
    if (!adapts(pattern)) refuse("lora_targets", pattern, "layer's weight");
  if (std::ranges::none_of(parameters_, &Parameter::is_trained))
    fail(ErrorCode::Format, "\"freeze\" and \"teach\" leave nothing to train with this objective.");
}

NamedTensors ParameterSet::trained() const {
  NamedTensors result;
  for (const Parameter& parameter : parameters_)
    if (parameter.is_trained()) result.emplace_back(parameter.name, parameter.value);
  return result;
}

NamedTensors ParameterSet::unchanged() const {
  NamedTensors result;
  for (const auto& it : parameters_) {
    if (it.is_trained()) continue;
    if (it.teachable)
      result.emplace_back(kAverage + it.name, it.value);
    else if (it.from == ValueFrom::Computed || (it.of_objective && it.from == ValueFrom::Random))
      result.emplace_back(kHeld + it.name, it.value);
  }
  return result;
}

NamedTensors ParameterSet::model(const NamedTensors& averaged) const {
  const c10::NoGradGuard no_grad;
  const With written(*this, averaged);
  NamedTensors result;
  for (const Parameter& parameter : parameters_)
    if (parameter.role == Role::Model) result.emplace_back(parameter.name, written.merged(parameter.name));
  return result;
}

bool ParameterSet::is_frozen(const std::string& pattern) const {
  return std::ranges::none_of(
      parameters_, [&](const Parameter& it) { return it.is_trained() && matches(it.name, pattern); });
}

bool ParameterSet::has_words() const {
  return std::ranges::any_of(parameters_, [](const Parameter& it) {
    return it.role == Role::Model && it.from == ValueFrom::Start && matches(it.name, "language");
  });
}

void ParameterSet::set(const std::string& name, const at::Tensor& value) {
  Parameter& parameter = parameters_[index_.at(name)];
  parameter.value.detach().copy_(value);
  parameter.from = ValueFrom::Computed;
}

ParameterSet::With ParameterSet::with(const NamedTensors& instead) const { return {*this, instead}; }

ParameterSet::With::With(const ParameterSet& set, const NamedTensors& instead) : set_(set) {
  for (const Parameter& parameter : set.parameters_) tensors_[parameter.name] = parameter.value;
  for (const auto& [name, value] : instead) tensors_[name] = value;
}

Weight ParameterSet::With::take_weight(const ParameterSpec& spec) {
  return {.stored = take(spec), .adapter = adapter_of(spec.name)};
}

std::optional<Lora> ParameterSet::With::adapter_of(const std::string& weight) const {
  const auto found = set_.adapters_.find(weight);
  if (found == set_.adapters_.end()) return std::nullopt;
  return Lora{.a = tensors_.at(adapter_name(weight, "lora_a")),
              .b = tensors_.at(adapter_name(weight, "lora_b")),
              .alpha = found->second.alpha};
}

at::Tensor ParameterSet::With::merged(const std::string& name) const {
  const at::Tensor& value = tensors_.at(name);
  const std::optional<Lora> adapter = adapter_of(name);
  return adapter ? merge_lora(value.to(at::kFloat), *adapter) : value;
}

}  // namespace medplib::core
