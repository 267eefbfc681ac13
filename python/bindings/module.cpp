// The extension module medplib._core: the engine's objects, without conveniences.
#include "bindings.h"

#include <medplib/core/runtime.h>
#include <medplib/core/translate.h>

namespace medplib::python {

namespace {

// Raises the class of medplib.errors for the error's code.
void raise(const core::Error& error) {
  const py::object classes = py::module_::import("medplib.errors").attr("BY_CODE");
  const py::object type = classes[core::error_code_name(error.code())];
  PyErr_SetString(type.ptr(), error.what());
}

void translate(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const py::error_already_set&) {
    throw;
  } catch (const py::builtin_exception&) {
    throw;
  } catch (...) {
    raise(core::current_error());
  }
}

}  // namespace

}  // namespace medplib::python

PYBIND11_MODULE(_core, module) {
  using namespace medplib::python;
  py::register_local_exception_translator(&translate);
  module.def("version", &medplib::core::version);
  module.def("build_info_json", &medplib::core::build_info_json);
  bind_image(module);
  bind_answer(module);
  bind_session(module);
}
