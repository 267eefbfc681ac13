// How the network gets its parameters: it asks for each by name and shape, and a source provides it.
//
// The network's constructors are the only place that lists parameters and their shapes. The same constructors
// load a checkpoint (Checkpoint), start a training from scratch, or list what a configuration
// needs (weights/sources.h), depending on the source. Names here are the network's own;
// weights/names.cpp maps them to the published layout.
#pragma once

#include "ops/weight.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace medplib::core {

// How a parameter starts when nothing is loaded.
enum class Init {
  Zeros,
  Ones,
  Normal02,  // normal, standard deviation 0.02: embeddings, language model
  FanIn,     // uniform ±1/sqrt(fan in): linear layers and convolutions
  Normal,    // normal, standard deviation 1: SAM's tokens and Fourier matrix
};

// What a parameter is for.
enum class Role {
  Model,  // a part of the model
  // The others serve a training alone:
  Adapter,  // LoRA's matrices beside a weight of the model, into which they are merged at the end
  Name,     // the vector that stands for the name of a structure
  Head,     // tells apart what the training's data has
};

struct ParameterSpec {
  std::string name;  // the network's name, such as "language.layers.0.attention.q.weight"
  std::vector<std::int64_t> shape;
  Init init = Init::FanIn;
  bool float32 = false;  // stays float32 whatever the model's precision (the router, the way from <SEG> to
                         // the mask)
  bool buffer = false;   // not trained
  Role role = Role::Model;
};

class ParameterSource {
 public:
  ParameterSource();  // warms up the math library
  virtual ~ParameterSource() = default;
  // Returns the tensor for this parameter. A source that finds a fault remembers it and returns zeros, so
  // that all faults can be reported together.
  virtual at::Tensor take(const ParameterSpec& spec) = 0;
  // The same for a matrix that operators take in any form.
  virtual Weight take_weight(const ParameterSpec& spec) { return {.stored = take(spec)}; }
};

// A source with a prefix for its names: scope / "layers" / 3.
class Scope {
 public:
  explicit Scope(ParameterSource& source, std::string prefix = {})
      : source_(&source), prefix_(std::move(prefix)) {}
  Scope operator/(const std::string& part) const;
  Scope operator/(std::int64_t index) const { return *this / std::to_string(index); }
  // The same, but that all parameters stay float32.
  Scope in_float32() const;
  // The same, but that all parameters are for this.
  Scope as(Role role) const;
  at::Tensor take(const std::string& name, std::vector<std::int64_t> shape, Init init) const;
  Weight take_weight(const std::string& name, std::vector<std::int64_t> shape, Init init) const;
  at::Tensor take_float32(const std::string& name, std::vector<std::int64_t> shape, Init init) const;
  at::Tensor take_buffer_float32(const std::string& name, std::vector<std::int64_t> shape, Init init) const;

 private:
  ParameterSpec spec_of(const std::string& name, std::vector<std::int64_t> shape, Init init) const;

  ParameterSource* source_;
  std::string prefix_;
  bool float32_ = false;
  Role role_ = Role::Model;
};

// Named parameters, in the order in which the network took them.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

}  // namespace medplib::core
