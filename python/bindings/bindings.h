// What the binding files share.
#pragma once

#include "gil.h"
#include "made.h"

#include <medplib/core/error.h>
#include <medplib/core/model.h>

#include <string>

namespace medplib::python {

// An exception of the class of medplib.errors for the error's code.
py::object exception_of(const core::Error& error);

// A JSON object as a dict.
py::dict parsed(const std::string& json);

void bind_runtime(py::module_& module);
void bind_image(py::module_& module);
void bind_answer(py::module_& module);
void bind_data(py::module_& module);
void bind_eval(py::module_& module);
void bind_session(py::module_& module);

}  // namespace medplib::python
