// Model, AskOptions, Session.
#include "answer.h"
#include "arrays.h"
#include "bindings.h"
#include "signals.h"

#include <medplib/core/error.h>
#include <medplib/core/eval.h>
#include <medplib/core/model.h>
#include <medplib/core/session.h>

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <atomic>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace medplib::python {

namespace {

using core::AskOptions;
using core::ErrorCode;
using core::fail;
using core::Model;

// What a callback's `work` answers, or `otherwise` where it raises; `raised` has that then.
template <class Result, class Work>
Result caught(std::exception_ptr& raised, Result otherwise, const Work& work) {
  return with_gil([&] {
    try {
      return work();
    } catch (const std::exception&) {
      raised = std::current_exception();
      return otherwise;
    }
  });
}

// No folder stands for the embedded model's. `progress` (or None) is told the part loaded so far, 0 … 1; it
// returns False to stop, and what it raises comes out of here as it is.
Owned<Model> load(const std::optional<std::filesystem::path>& folder, const std::string& device,
                  const std::string& precision, const py::object& progress) {
  core::LoadOptions options;
  options.device = device;
  options.precision = core::from_text<core::Precision>(precision);
  std::exception_ptr raised;
  options.progress = [&](double part) {
    return caught(raised, false, [&] {
      const bool stop = !progress.is_none() && progress(part).is(py::bool_(false));
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      return !stop;
    });
  };
  try {
    const WithoutGil release;
    return Owned<Model>(new Model(Model::load(folder ? *folder : core::embedded_model(), options)));
  } catch (const core::Error&) {
    if (raised) std::rethrow_exception(raised);
    throw;
  }
}

}  // namespace

// A session that only one thread at a time gets into, that Ctrl-C and callbacks can end, and that remembers
// its image for its answers.
class Session {
 public:
  Session(const Model& model, std::optional<std::int64_t> context, const std::string& compat)
      : compat_(compat), session_(model, options(context)) {}

  void set_images(const std::vector<core::Image>& images) {
    alone([&](core::Session& session) { session.set_images(images); });
    images_ = images;
  }
  std::vector<core::Image> images() const { return images_; }
  std::string device() const { return session_.model().device(); }
  const char* precision() const { return core::to_text(session_.model().precision()); }
  std::int64_t context() const { return session_.context(); }
  const std::string& compat() const { return compat_; }
  void reset_chat() {
    alone([](core::Session& session) { session.reset_chat(); });
  }
  void cancel() noexcept { session_.cancel(); }

  // Runs `verb`; each piece of text goes to `on_text` (or None), which returns False to stop. What it raises
  // comes out of here as it is.
  template <class Verb>
  Answer answer(AskOptions options, const py::object& on_text, const Verb& verb) {
    const core::Image image = first_image();
    options.on_text = telling(on_text);
    core::Answer given = interruptible([&](core::Session& session) { return verb(session, options); });
    return {std::move(given), image, options.regions};
  }

  std::pair<core::Trace, Answer> trace(const std::string& question, const AskOptions& options) {
    const core::Image image = first_image();
    core::Trace trace =
        interruptible([&](core::Session& session) { return session.trace(question, options); });
    Answer answer{trace.answer, image, options.regions};
    return {std::move(trace), std::move(answer)};
  }

  // Of each question its answer, or the error as an exception that was not raised.
  template <class Verb>
  py::list answers(const std::vector<core::Question>& questions, const py::object& on_text,
                   const Verb& verb) {
    const core::Image image = first_image();
    std::vector<core::Question> complete = questions;
    for (core::Question& question : complete) question.options.on_text = telling(on_text);
    const auto outcomes = interruptible([&](core::Session& session) { return (session.*verb)(complete); });
    py::list given;
    for (std::size_t at = 0; at < outcomes.size(); ++at)
      given.append(object_of(outcomes[at], image, questions[at].options.regions));
    return given;
  }

  // The answer, or the error as in `answers`; and the overlap of each target with its mask.
  py::tuple evaluate(const core::EvalQuestion& question, const AskOptions& options) {
    const core::Image image = first_image();
    const core::EvalRow row =
        interruptible([&](core::Session& session) { return core::evaluate(session, question, options); });
    return py::make_tuple(object_of(row.outcome, image, options.regions), row.overlaps);
  }

  core::Embedding embed_image(std::size_t index) {
    return interruptible([&](core::Session& session) { return session.embed_image(index); });
  }
  core::Embedding embed_region(const core::Region& region) {
    return interruptible([&](core::Session& session) { return session.embed_region(region); });
  }

  core::Mask refine(const std::optional<core::Mask>& mask, const std::vector<core::Click>& clicks,
                    const std::optional<core::Region>& box, std::optional<double> threshold) {
    return interruptible(
        [&](core::Session& session) { return session.refine(mask, clicks, box, threshold); });
  }

  std::vector<core::Prediction> predict(const std::vector<core::Click>& clicks,
                                        const std::optional<core::Region>& box, const cv::Mat& low_resolution,
                                        bool multimask) {
    return interruptible(
        [&](core::Session& session) { return session.predict(clicks, box, low_resolution, multimask); });
  }

 private:
  static py::object object_of(const core::Outcome& outcome, const core::Image& image,
                              const std::vector<core::Region>& regions) {
    if (const auto* error = std::get_if<core::Error>(&outcome)) return exception_of(*error);
    return py::cast(Answer{std::get<core::Answer>(outcome), image, regions});
  }

  // No context stands for the model's.
  core::SessionOptions options(std::optional<std::int64_t> context) {
    core::SessionOptions options;
    if (context && *context < 1)
      fail(ErrorCode::InvalidArgument, "context is ", *context, ": give at least 1 token, or None.");
    options.context = context.value_or(0);
    options.compat = core::from_text<core::Compat>(compat_);
    options.on_layer = [this](std::string_view) {
      if (signals_.raised()) {
        raised_ = signals_.error();
        session_.cancel();
      }
    };
    return options;
  }

  const core::Image& first_image() const {
    if (images_.empty()) fail(ErrorCode::State, "The session has no image: give it one with set_image.");
    return images_.front();
  }

  core::StreamCallback telling(const py::object& on_text) {
    return [this, &on_text](const core::StreamPiece& piece) {
      return caught(raised_, core::StreamAction::Cancel, [&] { return told(on_text, piece); });
    };
  }

  // Enters the core's session without the GIL. Errors: State when somebody is in it already.
  template <class Call>
  std::invoke_result_t<Call, core::Session&> alone(const Call& call) {
    const WithoutGil release;
    if (busy_.test_and_set())
      fail(ErrorCode::State,
           "The session is answering already, in another thread or around this callback: use one session a "
           "thread.");
    const std::unique_ptr<std::atomic_flag, void (*)(std::atomic_flag*)> leave(
        &busy_, [](std::atomic_flag* busy) { busy->clear(); });
    return call(session_);
  }

  // The same; throws what Python raised meanwhile, a KeyboardInterrupt too.
  template <class Call>
  std::invoke_result_t<Call, core::Session&> interruptible(const Call& call) {
    return alone([&](core::Session& session) {
      raised_ = nullptr;
      try {
        auto result = call(session);
        if (!raised_) return result;
      } catch (const core::Error&) {
        if (!raised_) throw;
      }
      std::rethrow_exception(std::exchange(raised_, nullptr));
    });
  }

  static core::StreamAction told(const py::object& on_text, const core::StreamPiece& piece) {
    if (on_text.is_none() || piece.text.empty()) return core::StreamAction::Continue;
    const bool stop = on_text(py::str(piece.text.data(), piece.text.size())).is(py::bool_(false));
    return stop ? core::StreamAction::Stop : core::StreamAction::Continue;
  }

  std::string compat_;
  core::Session session_;
  std::vector<core::Image> images_;
  std::atomic_flag busy_;
  Signals signals_;
  std::exception_ptr raised_;  // by Python code that ran inside the call under way
};

namespace {

using TextVerb = core::Answer (core::Session::*)(const std::string&, const AskOptions&);

template <TextVerb verb>
Answer run(Session& self, const std::string& text, const AskOptions& options, const py::object& on_text) {
  return self.answer(options, on_text, [&](core::Session& session, const AskOptions& complete) {
    return (session.*verb)(text, complete);
  });
}

Answer describe(Session& self, const core::Region& region, const AskOptions& options,
                const py::object& on_text) {
  Answer described = self.answer(options, on_text, [&](core::Session& session, const AskOptions& complete) {
    return session.describe(region, complete);
  });
  described.regions = {region};
  return described;
}

using Questions = std::vector<std::pair<std::string, AskOptions>>;
using ManyVerb = std::vector<core::Outcome> (core::Session::*)(const std::vector<core::Question>&);

template <ManyVerb verb>
py::list run_many(Session& self, const Questions& texts, const py::object& on_text) {
  std::vector<core::Question> questions;
  for (const auto& [text, options] : texts) questions.push_back({text, options});
  return self.answers(questions, on_text, verb);
}

py::tuple evaluate(Session& self, const std::string& record, const std::filesystem::path& folder,
                   const AskOptions& options) {
  return self.evaluate(core::question_of(record, folder), options);
}

// (rows, columns); its warnings go to Python's.
py::array_t<float> array_of(const core::Embedding& embedding) {
  for (const std::string& warning : embedding.warnings)
    if (PyErr_WarnEx(PyExc_UserWarning, warning.c_str(), 1) != 0) throw py::error_already_set();
  return py::array_t<float>({embedding.rows, embedding.columns}, embedding.values.data());
}

// (x, y, inside)
using Clicks = std::vector<std::tuple<double, double, bool>>;

std::vector<core::Click> clicks_of(const Clicks& clicks) {
  std::vector<core::Click> all;
  all.reserve(clicks.size());
  for (const auto& [x, y, inside] : clicks) all.push_back({x, y, inside});
  return all;
}

core::Mask refine(Session& self, const std::optional<core::Mask>& mask, const Clicks& clicks,
                  const std::optional<core::Region>& box, std::optional<double> threshold) {
  return self.refine(mask, clicks_of(clicks), box, threshold);
}

// `low_resolution`: (n, n) or None. Pairs of a mask and its own low-resolution logits.
py::list predict(Session& self, const Clicks& clicks, const std::optional<core::Region>& box,
                 const std::optional<Logits>& low_resolution, bool multimask) {
  cv::Mat low;
  if (low_resolution)
    low = cv::Mat(static_cast<int>(low_resolution->shape(0)), static_cast<int>(low_resolution->shape(1)),
                  CV_32FC1, const_cast<float*>(low_resolution->data()));  // read only, within this call
  py::list pairs;
  for (const core::Prediction& each : self.predict(clicks_of(clicks), box, low, multimask))
    pairs.append(py::make_tuple(each.mask, array_over<float>(each.low_resolution)));
  return pairs;
}

template <class T>
py::list arrays_of(const std::vector<cv::Mat>& matrices) {
  py::list arrays;
  for (const cv::Mat& each : matrices) arrays.append(array_over<T>(each));
  return arrays;
}

// By the names of medplib.Trace.
py::dict trace(Session& self, const std::string& question, const AskOptions& options) {
  auto [trace, answer] = self.trace(question, options);
  py::list rows;
  for (const std::string& piece : trace.rows)
    rows.append(py::bytes(piece).attr("decode")("utf-8", "replace"));
  return py::dict(py::arg("answer") = std::move(answer), py::arg("rows") = rows, py::arg("segs") = trace.segs,
                  py::arg("attention") = arrays_of<float>(trace.attention),
                  py::arg("router") = arrays_of<float>(trace.router),
                  py::arg("experts") = arrays_of<int>(trace.experts));
}

void bind_model(py::module_& module) {
  py::class_<Model, Owned<Model>>(module, "Model")
      .def(py::init(&load), py::arg("folder") = py::none(), py::arg("device") = "auto",
           py::arg("precision") = "float32", py::arg("progress") = py::none())
      .def_property_readonly("device", &Model::device)
      .def_property_readonly("precision", [](const Model& model) { return core::to_text(model.precision()); })
      .def_property_readonly("info", [](const Model& model) { return parsed(core::info_json(model.info())); })
      .def_property_readonly("folder", [](const Model& model) { return model.info().folder; })
      .def_property_readonly("name", [](const Model& model) { return model.info().name; })
      .def_property_readonly("intended_use", [](const Model& model) { return model.info().intended_use; })
      .def_property_readonly("parameters", [](const Model& model) { return model.info().parameters; })
      .def_property_readonly("threshold", [](const Model& model) { return model.info().threshold; });
}

void bind_options(py::module_& module) {
  py::class_<AskOptions>(module, "AskOptions")
      .def(py::init<>())
      .def_property(
          "regions", [](const AskOptions& options) { return options.regions; },
          [](AskOptions& options, std::vector<core::Region> regions) {
            options.regions = std::move(regions);
          })
      .def_readwrite("max_new_tokens", &AskOptions::max_new_tokens)
      .def_readwrite("temperature", &AskOptions::temperature)
      .def_readwrite("top_k", &AskOptions::top_k)
      .def_readwrite("top_p", &AskOptions::top_p)
      .def_readwrite("seed", &AskOptions::seed)
      .def_readwrite("threshold", &AskOptions::threshold);
}

}  // namespace

void bind_session(py::module_& module) {
  bind_model(module);
  bind_options(module);
  py::class_<Session, Owned<Session>>(module, "Session")
      .def(py::init([](const Model& model, std::optional<std::int64_t> context, const std::string& compat) {
             return without_gil([&] { return Owned<Session>(new Session(model, context, compat)); });
           }),
           py::arg("model"), py::arg("context") = py::none(), py::arg("compat") = "none")
      .def_property_readonly("device", &Session::device)
      .def_property_readonly("precision", &Session::precision)
      .def_property_readonly("context", &Session::context)
      .def_property_readonly("compat", &Session::compat)
      .def_property_readonly("images", &Session::images)
      .def("_set_images", &Session::set_images, py::arg("images"))
      .def("_ask", &run<&core::Session::ask>, py::arg("question"), py::arg("options"), py::arg("on_text"))
      .def("_segment", &run<&core::Session::segment>, py::arg("phrase"), py::arg("options"),
           py::arg("on_text"))
      .def("_ask_many", &run_many<&core::Session::ask_many>, py::arg("questions"), py::arg("on_text"))
      .def("_segment_many", &run_many<&core::Session::segment_many>, py::arg("phrases"), py::arg("on_text"))
      .def("_evaluate", &evaluate, py::arg("record"), py::arg("folder"), py::arg("options"))
      .def(
          "embed_image", [](Session& self, std::size_t index) { return array_of(self.embed_image(index)); },
          py::arg("index") = 0)
      .def(
          "_embed_region",
          [](Session& self, const core::Region& region) { return array_of(self.embed_region(region)); },
          py::arg("region"))
      .def("_describe", &describe, py::arg("region"), py::arg("options"), py::arg("on_text"))
      .def("_chat", &run<&core::Session::chat>, py::arg("message"), py::arg("options"), py::arg("on_text"))
      .def("reset_chat", &Session::reset_chat)
      .def("_trace", &trace, py::arg("question"), py::arg("options"))
      .def("_refine", &refine, py::arg("mask"), py::arg("clicks"), py::arg("box"), py::arg("threshold"))
      .def("_predict", &predict, py::arg("clicks"), py::arg("box"), py::arg("low_resolution").noconvert(),
           py::arg("multimask"))
      .def("cancel", &Session::cancel);
}

}  // namespace medplib::python
