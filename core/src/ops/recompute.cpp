#include "ops/recompute.h"

#include "ops/autocast.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <memory>
#include <utility>

namespace medplib::core {
namespace {

using Run = std::function<Tensors(const Tensors&)>;

// The states of generators at one time.
class RandomStates {
 public:
  explicit RandomStates(const std::vector<at::Generator>& random) : random_(random) {
    for (const at::Generator& generator : random_) states_.push_back(generator.get_state());
  }
  RandomStates now() const { return RandomStates(random_); }
  void put_back() {
    for (std::size_t i = 0; i < random_.size(); ++i) random_[i].set_state(states_[i]);
  }

 private:
  std::vector<at::Generator> random_;
  Tensors states_;
};

// What the second run needs beside the inputs.
struct Again : torch::CustomClassHolder {
  Again(Run run, const std::vector<at::Generator>& random)
      : run(std::move(run)), random(random), autocast(Autocast::is_on()) {}
  Run run;
  RandomStates random;
  bool autocast;
};

Tensors leaves_of(const Tensors& inputs) {
  Tensors leaves;
  for (const at::Tensor& input : inputs)
    leaves.push_back(input.detach().set_requires_grad(input.requires_grad()));
  return leaves;
}

struct Recompute : torch::autograd::Function<Recompute> {
  // `trigger` needs a gradient, so that there is a backward pass although no input needs one.
  static Tensors forward(torch::autograd::AutogradContext* context, const at::Tensor& /*trigger*/,
                         at::TensorList inputs, const c10::intrusive_ptr<Again>& again) {
    context->save_for_backward(inputs.vec());
    context->saved_data["again"] = c10::IValue::make_capsule(again);
    return again->run(inputs.vec());
  }

  static Tensors backward(torch::autograd::AutogradContext* context, Tensors gradients) {
    const auto again = c10::static_intrusive_pointer_cast<Again>(context->saved_data["again"].toCapsule());
    const Tensors leaves = leaves_of(context->get_saved_variables());
    Tensors outputs;
    {
      const c10::AutoGradMode with_gradients(true);
      const Autocast precision(again->autocast);
      RandomStates now = again->random.now();
      again->random.put_back();
      outputs = again->run(leaves);
      now.put_back();
    }
    Tensors reached, of_reached;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].requires_grad() || !gradients[i].defined()) continue;
      reached.push_back(outputs[i]);
      of_reached.push_back(gradients[i]);
    }
    if (!reached.empty()) torch::autograd::backward(reached, of_reached);
    Tensors result{at::Tensor()};  // of the trigger
    for (const at::Tensor& leaf : leaves) result.push_back(leaf.grad());
    result.emplace_back();  // of `again`
    return result;
  }
};

}  // namespace

Tensors recomputed(const Run& run, const Tensors& inputs, const std::vector<at::Generator>& random) {
  if (!c10::GradMode::is_enabled()) return run(inputs);
  const at::Tensor trigger = at::zeros({}).requires_grad_();
  return Recompute::apply(trigger, at::TensorList(inputs), c10::make_intrusive<Again>(run, random));
}

}  // namespace medplib::core
