// The tensors of a training: what each is for, where its value comes from, and whether it changes.
#pragma once

#include "train/recipe.h"
#include "train/starting_values.h"
#include "weights/parameters.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace medplib::core {

// Where a value comes from.
enum class ValueFrom {
  Random,
  Start,     // one of the recipe's `start`
  Computed,  // by this training before its first step
};

struct Parameter {
  std::string name;
  at::Tensor value;  // requires_grad: this training changes it
  Role role = Role::Model;
  ValueFrom from = ValueFrom::Random;
  bool of_objective = false;  // what the recipe's objective is about
  bool teachable = false;     // and nothing in the recipe says that it stands still
  bool is_trained() const { return value.requires_grad(); }
};

// "sam.encoder" of "sam.encoder.blocks.0…", "language" of "language.layers.0…".
std::string part_of(const std::string& parameter);

// Whether tensors are read and filled, or have their shapes alone and take no memory.
enum class Values { Real, ShapesAlone };

class ParameterSet : public ParameterSource {
 public:
  // Both outlive it. Errors: Device.
  ParameterSet(const Recipe& recipe, StartingValues& start, Values values);

  at::Tensor take(const ParameterSpec& spec) override;
  // With an adapter beside it where the recipe's LoRA has one.
  Weight take_weight(const ParameterSpec& spec) override;

  // After all was taken. Errors: Format, when a pattern of the recipe fits nothing, or nothing is trained.
  void check_patterns() const;

  // In the order in which they were taken.
  const std::vector<Parameter>& all() const { return parameters_; }
  // The parameters that this training changes; no others have a gradient.
  NamedTensors trained() const;
  // Those that it doesn't, but needs to go on, by their names in a checkpoint: what it teaches but stands
  // still, since later trainings that start from this one need the same (SAM's Fourier matrix, vectors of
  // names), and what it only works with. What `start` gave isn't among the latter: it is there still.
  NamedTensors unchanged() const;
  // Those of the model, as they are written: with `averaged` in the place of what was trained, and adapters
  // merged into their weights.
  NamedTensors model(const NamedTensors& averaged) const;

  // Whether nothing that fits a pattern is trained.
  bool is_frozen(const std::string& pattern) const;
  // Whether the language model was taught before, so that it has words for names.
  bool has_words() const;
  ValueFrom source_of(const std::string& name) const { return parameters_[index_.at(name)].from; }

  // Draws all that is random in a step's way through the network, on the parameters' device: LoRA's dropout,
  // and which tokens an expert has no place for. Seeded before each step.
  const at::Generator& random() const { return random_; }

  // Gives a value that this training computed, now or before it was resumed.
  void set(const std::string& name, const at::Tensor& value);

  // The same tensors for another network, but for those in `instead`.
  class With;
  With with(const NamedTensors& instead) const;

 private:
  // `adapted`: it has an adapter, and stands still itself.
  const at::Tensor& add(const ParameterSpec& spec, bool is_matrix, bool adapted);
  at::Tensor value_of(const ParameterSpec& spec, c10::ScalarType dtype, ValueFrom& from);
  Lora add_adapter(const ParameterSpec& weight);

  const Recipe& recipe_;
  StartingValues& start_;
  Values values_;
  c10::Device device_;
  at::Generator random_;
  std::vector<Parameter> parameters_;
  std::map<std::string, std::size_t> index_;
  std::map<std::string, Lora> adapters_;  // by the name of their weight
  std::shared_ptr<Dropout> dropout_;      // of LoRA's inputs; null where there is none
};

// Without dropout: nothing is trained there.
class ParameterSet::With : public ParameterSource {
 public:
  With(const ParameterSet& set, const NamedTensors& instead);
  at::Tensor take(const ParameterSpec& spec) override { return tensors_.at(spec.name); }
  Weight take_weight(const ParameterSpec& spec) override;
  // A parameter with its adapter, if it has one, put into it.
  at::Tensor merged(const std::string& name) const;

 private:
  std::optional<Lora> adapter_of(const std::string& weight) const;

  const ParameterSet& set_;
  std::map<std::string, at::Tensor> tensors_;
};

}  // namespace medplib::core
