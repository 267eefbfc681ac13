// A mixture of experts, made of dense models.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

namespace medplib::core {

// What the manifest of such a model says in `stage`.
inline constexpr const char* kJoinedExperts = "joined-experts";

struct ExpertsOptions {
  // Folders of dense models, two or more: expert k is the feed-forward part of the k-th.
  std::vector<std::filesystem::path> from;
  std::filesystem::path rest;        // the dense model that all else is of; empty: the last of `from`
  std::filesystem::path out;         // the new model's folder; nothing may stand there
  std::vector<std::int64_t> layers;  // of the language model, from 0, that get experts; none: all
  std::uint64_t seed = 1;            // of the router, which starts at random
  // Called between tensors with the part of the weights that is written, and may end it by throwing.
  std::function<void(double)> between = [](double) {};
};

// Writes a model folder whose language layers choose one of several experts for each token, as a training of
// the router starts from. Weights are copied as they are stored. Errors: InvalidArgument (fewer than two
// models, no such layer, a layer twice), State (something stands at `out`), Io; of Subject::Model: NotFound,
// Io, and Format (damaged, with experts already, or not of one architecture and vocabulary).
void join_experts(const ExpertsOptions& options);

}  // namespace medplib::core
