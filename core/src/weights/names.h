// The names of parameters in the network and in published checkpoints: no other place knows both.
#pragma once

#include <string>

namespace medplib::core {

// "language.layers.0.attention.q.weight" → "model.layers.0.self_attn.q_proj.weight". Errors: Internal, for a
// name the table lacks.
std::string published_name(const std::string& network);

// Tensors that published checkpoints carry and the network does not need: buffers that it computes or knows
// (SAM's mean and deviation of pixels), CLIP's last norm.
bool is_ignored_published_name(const std::string& published);

}  // namespace medplib::core
