// What the binding files share.
#pragma once

#include "gil.h"

namespace medplib::python {

void bind_image(py::module_& module);
void bind_answer(py::module_& module);
void bind_session(py::module_& module);

}  // namespace medplib::python
