#include "model/memory.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace medplib::core {

namespace {

// What LibTorch 2.11 takes for itself as it is loaded, 57 MB, and what an answer adds on a CPU: more pages of
// the libraries, buffers of their kernels (measured: 6 to 25 MB; tests/cli/test_memory.py compares).
constexpr std::int64_t kOwnBytes = 57'000'000 + 19'000'000;

// What this process holds of its program and libraries. Their pages are read when they are first needed,
// and how many come with each is the system's choice: it differs by a third from machine to machine.
std::int64_t library_bytes() {
  std::ifstream mappings("/proc/self/smaps");
  std::error_code none;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", none);
  bool is_library = false;
  std::int64_t kilobytes = 0;
  for (std::string line; std::getline(mappings, line);) {
    if (line.starts_with("Rss:")) {
      if (is_library) kilobytes += std::stoll(line.substr(4));
    } else if (line.front() < 'A' || line.front() > 'Z') {  // "from-to mode offset device inode path"
      is_library = line.find(".so") != std::string::npos || (!program.empty() && line.ends_with(program));
    }
  }
  return 1024 * kilobytes;
}

constexpr std::int64_t kQuestionTokens = 64;  // a usual question with its template

// The tensors that are alive together where a part of the network holds most, counted in numbers.

// A transformer's layer, in its feed-forward part: the hidden ones four times (before and behind the
// activation, the gate, their product), the narrow ones for the residual, the norms and the results.
std::int64_t layer_numbers(std::int64_t tokens, std::int64_t ffn, std::int64_t width) {
  return tokens * (4 * ffn + 8 * width);
}

// The first convolution of a stem, at half the image's size: with its norm and activation.
std::int64_t stem_numbers(std::int64_t image_size, const StemChannels& stem) {
  return stem.empty() ? 0 : 6 * (image_size / 2) * (image_size / 2) * stem.front();
}

std::int64_t clip_numbers(const ClipConfig& config) {
  return std::max(layer_numbers(config.grid() * config.grid() + 1, config.ffn, config.hidden),
                  stem_numbers(config.image_size, config.stem));
}

std::int64_t sam_numbers(const SamConfig& config) {
  const std::int64_t grid = config.grid(), across = (grid + config.window - 1) / config.window;
  const std::int64_t windows = across * across, in_window = config.window * config.window;
  const std::int64_t scores =
      config.heads * std::max(windows * in_window * in_window, grid * grid * grid * grid);
  const std::int64_t layer = layer_numbers(windows * in_window, config.mlp_ratio * config.dim, config.dim);
  const std::int64_t adapter =
      config.adapters ? 16 * config.dim * config.dim : 0;  // its kernels, laid out anew
  return std::max(layer + 2 * scores + adapter, stem_numbers(config.image_size, config.stem));
}

std::int64_t language_numbers(const ModelConfig& config) {
  return layer_numbers(config.image_tokens() + kQuestionTokens, config.language.ffn, config.language.hidden);
}

}  // namespace

MemoryInfo memory_of(const std::vector<ParameterSpec>& all, const Checkpoint& checkpoint,
                     const ModelConfig& config, std::int64_t element_bytes, std::int64_t context) {
  MemoryInfo memory;
  for (const ParameterSpec& spec : all) {
    const std::int64_t bytes = c10::multiply_integers(spec.shape) * (spec.float32 ? 4 : element_bytes);
    (checkpoint.is_mapped(spec) ? memory.mapped : memory.weights) += bytes;
  }
  memory.cache = 2 * config.language.layers * context * config.language.hidden * element_bytes;
  memory.working = element_bytes *
                   std::max({clip_numbers(config.clip), sam_numbers(config.sam), language_numbers(config)});
  return memory;
}

std::int64_t MemoryInfo::program() {
  static const std::int64_t libraries = library_bytes();  // the same whenever this process is asked
  return libraries + kOwnBytes;
}

}  // namespace medplib::core
