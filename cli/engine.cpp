#include "engine.h"

#include "interrupt.h"
#include "options.h"
#include "progress.h"

#include <medplib/core/runtime.h>

#include <limits>

namespace medplib::cli {

namespace {

// Told the part that is loaded; answers whether to go on.
bool show_loading(double part) {
  show_progress("loading the model", part);
  return !interrupted();
}

}  // namespace

std::filesystem::path model_folder(const std::string& given) {
  return given.empty() ? core::embedded_model() : std::filesystem::path(given);
}

std::filesystem::path model_folder(const std::string& given, const std::vector<std::string>& operands,
                                   const char* command) {
  if (operands.size() > 1) fail_usage(command, " takes one model folder, not ", operands.size(), ".");
  if (operands.empty()) return model_folder(given);
  if (!given.empty() && std::filesystem::path(given) != operands.front())
    fail_usage("Two model folders were given, \"", operands.front(), "\" and --model \"", given,
               "\". Keep one.");
  if (operands.front().empty()) fail_usage("The name of the model folder is empty.");
  return operands.front();
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
  add_choice(options, "compat", session_options_.compat,
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
