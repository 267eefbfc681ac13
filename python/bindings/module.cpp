// The extension module medplib._core: the engine's objects, without conveniences.
#include "bindings.h"
#include "signals.h"

#include <medplib/core/current_error.h>

#include <pybind11/stl.h>

namespace medplib::python {

namespace {

void translate(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const py::error_already_set&) {
    throw;
  } catch (const py::builtin_exception&) {
    throw;
  } catch (...) {
    const py::object raised = exception_of(core::current_error());
    PyErr_SetObject(py::type::handle_of(raised).ptr(), raised.ptr());
  }
}

}  // namespace

py::object exception_of(const core::Error& error) {
  const py::object classes = py::module_::import("medplib.errors").attr("BY_CODE");
  return classes[core::to_text(error.code())](error.what(), error.details());
}

}  // namespace medplib::python

PYBIND11_MODULE(_core, module) {
  using namespace medplib::python;
  py::register_local_exception_translator(&translate);
  main_thread = py::module_::import("threading").attr("main_thread")().attr("ident").cast<unsigned long>();
  bind_runtime(module);
  bind_image(module);
  bind_answer(module);
  bind_data(module);
  bind_eval(module);
  bind_session(module);
}
