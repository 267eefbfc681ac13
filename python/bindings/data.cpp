// What is wrong with lists of records.
#include "bindings.h"
#include "signals.h"

#include <medplib/core/check.h>

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <optional>
#include <sstream>
#include <string>

namespace medplib::python {

namespace {

std::string check_records(const std::filesystem::path& data,
                          const std::optional<std::filesystem::path>& images, bool pictures) {
  Signals signals;
  core::DataCheckJson json;
  const core::DataCheckOptions options{.images = images.value_or(""),
                                       .pictures = pictures,
                                       .on_finding = [&](const core::DataFinding& found) { json.add(found); },
                                       .between =
                                           [&](double) {
                                             if (signals.raised())
                                               core::fail(core::ErrorCode::Cancelled, "Interrupted.");
                                           }};
  try {
    const WithoutGil release;
    std::ostringstream text;
    json.write(core::check_data({data}, options), text);
    return text.str();
  } catch (const core::Error&) {
    if (signals.error()) std::rethrow_exception(signals.error());
    throw;
  }
}

}  // namespace

void bind_data(py::module_& module) {
  module.def("check_records", &check_records, py::arg("data"), py::arg("images") = py::none(),
             py::arg("pictures") = false);
}

}  // namespace medplib::python
