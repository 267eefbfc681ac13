#include "engine.h"

#include "interrupt.h"
#include "messages.h"
#include "options.h"

#include <medplib/core/runtime.h>

#include <iostream>
#include <limits>

namespace medplib::cli {

namespace {

// Told the part that is loaded; answers whether to go on.
bool show_loading(double part) {
  if (!quiet() && stderr_is_terminal()) {
    if (part < 1)
      std::cerr << "\rmedplib: loading the model: " << static_cast<int>(100 * part) << " %" << std::flush;
    else
      std::cerr << "\r\033[K" << std::flush;
  }
  return !interrupted();
}

}  // namespace

std::filesystem::path model_folder(const std::string& given) {
  return given.empty() ? core::embedded_model() : std::filesystem::path(given);
}

void Engine::add_options(Options& options) {
  add_model(options, folder_);
  add_text(options, "device", load_.device, "auto|cpu|cuda",
           "where to compute, also cuda:N (default auto: a GPU if there is one)");
  add_precision(options, load_.precision);
  add_number(options, "threads", threads_, Range<int>{1, core::kMostThreads, "from 1 to 256"},
             "of the CPU (default: one a core)");
  add_number(options, "context", session_options_.context,
             Range<std::int64_t>{0, std::numeric_limits<std::int64_t>::max(), "of tokens"},
             "longest prompt and answer in tokens, 0: the model's");
  using core::Compat;
  add_choice(options, "compat", session_options_.compat,
             {{"none", Compat::None}, {"reference", Compat::Reference}},
             "reference: one mask, as the published evaluation draws it (default none)");
}

core::Session& Engine::session() {
  if (!session_) session_ = during(Phase::Model, [&] { return open(); });
  return *session_;
}

core::Session Engine::open() const {
  if (threads_) core::set_threads(*threads_);
  core::LoadOptions load = load_;
  load.progress = show_loading;
  core::SessionOptions options = session_options_;
  options.on_layer = [](std::string_view) { stop_when_interrupted(); };
  return core::Session(core::Model::load(model_folder(folder_), load), options);
}

}  // namespace medplib::cli
