// Objects of Python whose __init__ has not run.
#pragma once

#include <medplib/core/error.h>
#include <medplib/core/image.h>
#include <medplib/core/mask.h>
#include <medplib/core/model.h>
#include <medplib/core/region.h>
#include <medplib/core/session.h>

#include <pybind11/pybind11.h>

#include <concepts>
#include <string>

namespace medplib::python {

struct Answer;
class Session;

template <class T>
concept Bound = std::same_as<T, core::Model> || std::same_as<T, core::Image> || std::same_as<T, core::Mask> ||
    std::same_as<T, core::Region> || std::same_as<T, core::Timing> || std::same_as<T, core::AskOptions> ||
    std::same_as<T, Answer> || std::same_as<T, Session>;

}  // namespace medplib::python

namespace pybind11::detail {

// pybind11 hands out memory that nothing was written to for an object whose __init__ has not run, as in a
// subclass that calls a method before super().__init__(). Errors: InvalidArgument.
template <medplib::python::Bound T>
class type_caster<T> : public type_caster_base<T> {
 public:
  bool load(handle source, bool convert) {
    // Its real type: what only says that it is one, such as a mock, is refused below.
    if (source && PyType_IsSubtype(Py_TYPE(source.ptr()), this->typeinfo->type) != 0) require_made(source);
    return type_caster_base<T>::load(source, convert);
  }

 private:
  void require_made(handle source) const {
    auto* object = reinterpret_cast<instance*>(source.ptr());
    if (object->get_value_and_holder(this->typeinfo).value_ptr() != nullptr) return;
    const std::string name = type::handle_of(source).attr("__name__").template cast<std::string>();
    medplib::core::fail(medplib::core::ErrorCode::InvalidArgument, "This ", name,
                        " is used before it was made: call super().__init__() first.");
  }
};

}  // namespace pybind11::detail
