// Versions, threads, the log, and model folders that are not loaded.
#include "bindings.h"
#include "signals.h"

#include <medplib/core/error.h>
#include <medplib/core/log.h>
#include <medplib/core/model.h>
#include <medplib/core/runtime.h>

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

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

// What the callback raises is told to sys.unraisablehook: a message never changes what the engine does.
core::LogCallback telling(const py::object& callback) {
  if (callback.is_none()) return {};
  const std::shared_ptr<py::object> shared(new py::object(callback),
                                           [](py::object* held) { with_gil([&] { delete held; }); });
  return [shared](core::LogLevel level, const std::string& message) {
    with_gil([&] {
      try {
        (*shared)(core::to_text(level), message);
      } catch (py::error_already_set& error) {
        error.discard_as_unraisable("the callback of medplib.set_log");
      }
    });
  };
}

void set_log(const std::string& level, const py::object& callback) {
  core::set_log(core::from_text<core::LogLevel>(level), telling(callback));
}

std::filesystem::path folder_of(const Folder& folder) { return folder ? *folder : core::embedded_model(); }

py::dict inspect(const Folder& folder, const std::string& precision) {
  return parsed(without_gil([&] {
    return core::info_json(core::inspect(folder_of(folder), core::from_text<core::Precision>(precision)));
  }));
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
