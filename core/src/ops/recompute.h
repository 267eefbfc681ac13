// Activation checkpointing: a part of the network is run again in the backward pass, so that nothing of it
// is kept but its inputs. Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace medplib::core {

using Tensors = std::vector<at::Tensor>;

// `run` of `inputs`, with the gradients of both the inputs and what `run` has of its own. It must give the
// same each time, but for what it draws from `random`, whose states are put back for the second time; the
// precision of products (autocast) is that of the first. Without gradients, or where `run` has nothing that
// needs one, this is a call of `run`.
Tensors recomputed(const std::function<Tensors(const Tensors&)>& run, const Tensors& inputs,
                   const std::vector<at::Generator>& random = {});

}  // namespace medplib::core
