// Sources of parameters beside the checkpoint itself: fresh values, shapes alone, a checkpoint that is only
// checked, and one whose loading is told. (A training's own is train/parameter_set.h.)
#pragma once

#include "weights/checkpoint.h"
#include "weights/parameters.h"

#include <functional>

namespace medplib::core {

// How a parameter starts when nothing is loaded: from a generator that depends on the seed and the
// parameter's name alone, float32.
at::Tensor fresh_value(std::uint64_t seed, const ParameterSpec& spec);

// No values: an expanded zero, which takes no memory.
at::Tensor shape_alone(const ParameterSpec& spec, c10::ScalarType dtype = c10::ScalarType::Float);

// Fresh values from a seeded generator; trainable, float32.
class FreshParameters : public ParameterSource {
 public:
  explicit FreshParameters(std::uint64_t seed);
  at::Tensor take(const ParameterSpec& spec) override;
  const NamedTensors& all() const { return all_; }

 private:
  std::uint64_t seed_;
  NamedTensors all_;
};

// Expanded zeros, which take no memory; remembers what was asked for.
class ParameterShapes : public ParameterSource {
 public:
  at::Tensor take(const ParameterSpec& spec) override;
  const std::vector<ParameterSpec>& all() const { return all_; }

 private:
  std::vector<ParameterSpec> all_;
};

// Expanded zeros, after a look at whether the checkpoint has the tensor: no values are read. `between` is
// called before each.
class CheckedParameters : public ParameterSource {
 public:
  CheckedParameters(Checkpoint& checkpoint, const std::function<void(double)>& between)
      : checkpoint_(checkpoint), between_(between) {}
  at::Tensor take(const ParameterSpec& spec) override;

 private:
  Checkpoint& checkpoint_;
  const std::function<void(double)>& between_;
};

// The checkpoint's values; tells how far loading is, and stops it. Errors: Cancelled, and the checkpoint's.
class WatchedParameters : public ParameterSource {
 public:
  // `progress`: told the part loaded so far, 0 … 1; returns whether to go on. May be empty.
  WatchedParameters(Checkpoint& checkpoint, const std::function<bool(double)>& progress);
  at::Tensor take(const ParameterSpec& spec) override;
  // Tells that all is loaded.
  void finish() const { tell(1); }

 private:
  void tell(double part) const;

  Checkpoint& checkpoint_;
  const std::function<bool(double)>& progress_;
  std::int64_t total_ = 0, done_ = 0;
};

}  // namespace medplib::core
