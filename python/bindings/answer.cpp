// Mask, Timing, Answer.
#include "answer.h"

#include "arrays.h"
#include "bindings.h"

#include <medplib/core/error.h>
#include <medplib/core/files.h>

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

namespace medplib::python {

namespace {

using core::Mask;
using core::Timing;

// (channels,); None for a mask that was drawn from no <SEG>.
std::optional<py::array_t<float>> embedding(const Mask& mask) {
  if (mask.embedding.empty()) return std::nullopt;
  return py::array_t<float>(static_cast<py::ssize_t>(mask.embedding.size()), mask.embedding.data());
}

py::dict run_lengths(const Mask& mask) {
  const core::RunLengths runs = without_gil([&] { return mask.run_lengths(); });
  py::dict result;
  result["size"] = std::vector<int>{runs.height, runs.width};
  result["counts"] = runs.counts;
  return result;
}

using Ring = std::vector<std::pair<int, int>>;

Ring ring_of(const std::vector<cv::Point>& corners) {
  Ring ring;
  for (const cv::Point& corner : corners) ring.emplace_back(corner.x, corner.y);
  return ring;
}

// Of each part its outline and those of its holes.
std::vector<std::vector<Ring>> outlines(const Mask& mask) {
  std::vector<std::vector<Ring>> parts;
  for (const core::Outline& outline : mask.outlines()) {
    auto& rings = parts.emplace_back();
    rings.push_back(ring_of(outline.outer));
    for (const auto& hole : outline.holes) rings.push_back(ring_of(hole));
  }
  return parts;
}

// x, y, width, height of the smallest box around it; nothing around nothing.
std::optional<std::array<int, 4>> box_around(const Mask& mask) {
  const cv::Rect box = mask.box();
  if (box.empty()) return std::nullopt;
  return std::array{box.x, box.y, box.width, box.height};
}

py::object html(const py::object& shown) {
  return py::module_::import("medplib._html").attr("html_of")(shown);
}

std::string described(const Mask& mask) {
  std::string text = core::text_of("<medplib.Mask \"", mask.label(), "\" ", mask.width(), " × ",
                                   mask.height(), ", ", mask.area(), " pixels");
  if (mask.presence) text += core::text_of(", presence ", *mask.presence);
  return text + ">";
}

// A negative index counts from the end, as everywhere in Python.
Mask mask_at(const Answer& self, py::ssize_t index) {
  const auto& masks = self.answer.masks;
  const auto count = static_cast<py::ssize_t>(masks.size());
  if (index < 0) index += count;
  if (index >= 0 && index < count) return masks[static_cast<std::size_t>(index)];
  std::string sentence = core::text_of("The answer has ", count, count == 1 ? " mask." : " masks.");
  if (self.answer.presence)
    sentence += core::text_of(" The structure seems not to be there (presence ", *self.answer.presence, ").");
  throw py::index_error(sentence);
}

void bind_mask(py::module_& module) {
  py::class_<Mask, Owned<Mask>> bound(module, "Mask");
  stand_for_array(bound);
  bound
      .def_static(
          "from_region",
          [](const core::Region& region, int width, int height) {
            return Mask::from_region(region, width, height);
          },
          py::arg("region"), py::arg("width"), py::arg("height"), py::call_guard<WithoutGil>())
      .def_property_readonly("width", &Mask::width)
      .def_property_readonly("height", &Mask::height)
      .def_property_readonly("label", &Mask::label)
      .def_property_readonly("threshold", &Mask::threshold)
      .def_readonly("presence", &Mask::presence)
      .def_readonly("iou_estimate", &Mask::iou_estimate)
      .def_readonly("warnings", &Mask::warnings)
      .def_property_readonly(
          "array",
          [](const Mask& mask) { return array_over<bool>(without_gil([&] { return mask.binary(); })); })
      .def_property_readonly("embedding", &embedding)
      .def_property_readonly("logits", [](const Mask& mask) { return array_over<float>(mask.logits()); })
      .def_property_readonly("area",
                             [](const Mask& mask) { return without_gil([&] { return mask.area(); }); })
      .def_property_readonly("bbox",
                             [](const Mask& mask) { return without_gil([&] { return box_around(mask); }); })
      .def_property_readonly("rle", &run_lengths)
      .def("polygon", &outlines, py::call_guard<WithoutGil>())
      .def(
          "save",
          [](const Mask& mask, const std::filesystem::path& path) {
            core::check_png_name(path);
            core::write_file(path, mask.png());
          },
          py::arg("path"), py::call_guard<WithoutGil>())
      .def("_repr_png_", [](const Mask& mask) { return py::bytes(without_gil([&] { return mask.png(); })); })
      .def("_repr_html_", &html)
      .def("__repr__", &described, py::call_guard<WithoutGil>());
}

void bind_timing(py::module_& module) {
  py::class_<Timing> bound(module, "Timing");
  std::apply([&](const auto&... field) { (bound.def_readonly(field.first, field.second), ...); },
             core::kTimingFields);
  bound.def("__repr__", [](const Timing& timing) {
    return core::text_of("<medplib.Timing ", timing.total, " ms, ", timing.generated_tokens, " tokens>");
  });
}

std::string overlay(const core::Image& image, const std::vector<Mask>& masks,
                    const std::vector<core::Region>& regions) {
  std::vector<cv::Mat> pointed_at;
  for (const core::Region& region : regions)
    pointed_at.push_back(region.rasterize(image.width(), image.height()));
  return core::overlay_png(image, masks, pointed_at);
}

// A property that reads a field of the core's answer.
template <auto field>
auto read() {
  return [](const Answer& self) { return self.answer.*field; };
}

}  // namespace

std::string Answer::overlay() const { return python::overlay(image, answer.masks, regions); }

void bind_answer(py::module_& module) {
  bind_mask(module);
  bind_timing(module);
  module.def(
      "overlay_png",
      [](const core::Image& image, const std::vector<Mask>& masks, const std::vector<core::Region>& regions) {
        return py::bytes(without_gil([&] { return overlay(image, masks, regions); }));
      },
      py::arg("image"), py::arg("masks"), py::arg("regions"));
  py::class_<Answer, Owned<Answer>>(module, "Answer")
      .def_property_readonly("text", read<&core::Answer::text>())
      .def_property_readonly("tokens", read<&core::Answer::tokens>())
      .def_property_readonly("masks", read<&core::Answer::masks>())
      .def_property_readonly("prompt", read<&core::Answer::prompt>())
      .def_property_readonly("warnings", read<&core::Answer::warnings>())
      .def_property_readonly("finish", [](const Answer& self) { return core::to_text(self.answer.finish); })
      .def_property_readonly("timing", read<&core::Answer::timing>())
      .def_property_readonly("routing", read<&core::Answer::routing>())
      .def_property_readonly("routing_by_kind",
                             [](const Answer& self) {
                               std::map<std::string, core::ExpertCounts> named;
                               for (const auto& [kind, counts] : self.answer.routing_by_kind)
                                 named[core::to_text(kind)] = counts;
                               return named;
                             })
      .def_property_readonly("near_ties", read<&core::Answer::near_ties>())
      .def_property_readonly("presence", read<&core::Answer::presence>())
      .def_readonly("image", &Answer::image)
      .def_readonly("regions", &Answer::regions)
      .def(
          "save",
          [](const Answer& self, const std::filesystem::path& path) {
            core::check_png_name(path);
            core::write_file(path, self.overlay());
          },
          py::arg("path"), py::call_guard<WithoutGil>())
      .def(
          "to_json", [](const Answer& self) { return core::answer_json(self.answer); },
          py::call_guard<WithoutGil>())
      .def("__len__", [](const Answer& self) { return self.answer.masks.size(); })
      .def("__bool__", [](const Answer&) { return true; })
      .def("__getitem__", &mask_at, py::arg("index"))
      .def("__iter__", [](const Answer& self) { return py::iter(py::cast(self.answer.masks)); })
      .def("__str__", read<&core::Answer::text>())
      .def("_repr_png_",
           [](const Answer& self) { return py::bytes(without_gil([&] { return self.overlay(); })); })
      .def("_repr_html_", &html)
      .def("__repr__", [](const Answer& self) {
        return core::text_of("<medplib.Answer \"", self.answer.text, "\", masks: ", self.answer.masks.size(),
                             ">");
      });
}

}  // namespace medplib::python
