// Versions, threads, the log, and model folders that are not loaded.
#include "bindings.h"
#include "signals.h"

#include <medplib/core/error.h>
#include <medplib/core/log.h>
#include <medplib/core/model.h>
#include <medplib/core/runtime.h>

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace medplib::python {

namespace {

using core::ErrorCode;
using core::fail;
using Folder = std::optional<std::filesystem::path>;

constexpr std::array kLevels = {"debug", "info", "warning", "error", "silent"};  // by core::LogLevel

core::LogLevel level_of(const std::string& name) {
  for (std::size_t at = 0; at < kLevels.size(); ++at)
    if (name == kLevels[at]) return static_cast<core::LogLevel>(at);
  fail(ErrorCode::InvalidArgument, "The level \"", name,
       "\" is none of \"debug\", \"info\", \"warning\", \"error\" and \"silent\".");
}

// What the callback raises is told to sys.unraisablehook: a message never changes what the engine does.
core::LogCallback telling(const py::object& callback) {
  if (callback.is_none()) return {};
  const std::shared_ptr<py::object> shared(new py::object(callback),
                                           [](py::object* held) { with_gil([&] { delete held; }); });
  return [shared](core::LogLevel level, const std::string& message) {
    with_gil([&] {
      try {
        (*shared)(kLevels.at(static_cast<std::size_t>(level)), message);
      } catch (py::error_already_set& error) {
        error.discard_as_unraisable("the callback of medplib.set_log");
      }
    });
  };
}

void set_log(const std::string& level, const py::object& callback) {
  core::set_log(level_of(level), telling(callback));
}

std::filesystem::path folder_of(const Folder& folder) { return folder ? *folder : core::embedded_model(); }

py::dict inspect(const Folder& folder, const std::string& precision) {
  return parsed(without_gil(
      [&] { return core::info_json(core::inspect(folder_of(folder), precision_of(precision))); }));
}

std::vector<std::string> verify(const Folder& folder) {
  Signals signals;
  try {
    const WithoutGil release;
    const auto stop = [&](double) {
      if (signals.raised()) fail(ErrorCode::Cancelled, "Interrupted.");
    };
    return core::verify(folder_of(folder), stop).problems;
  } catch (const core::Error&) {
    if (signals.error()) std::rethrow_exception(signals.error());
    throw;
  }
}

}  // namespace

core::Precision precision_of(const std::string& name) {
  if (name == "float32") return core::Precision::Float32;
  if (name == "bfloat16") return core::Precision::BFloat16;
  fail(ErrorCode::InvalidArgument, "The precision \"", name, "\" is none of \"float32\" and \"bfloat16\".");
}

const char* name_of(core::Precision precision) {
  return precision == core::Precision::Float32 ? "float32" : "bfloat16";
}

py::dict parsed(const std::string& json) { return py::module_::import("json").attr("loads")(json); }

void bind_runtime(py::module_& module) {
  module.def("version", &core::version);
  module.def("build_info_json", &core::build_info_json);
  module.def("set_threads", &core::set_threads, py::arg("threads"));
  module.def("threads", &core::threads);
  module.def("set_log", &set_log, py::arg("level") = "warning", py::arg("callback") = py::none());
  module.def("inspect", &inspect, py::arg("folder") = py::none(), py::arg("precision") = "float32");
  module.def("verify", &verify, py::arg("folder") = py::none());
}

}  // namespace medplib::python
