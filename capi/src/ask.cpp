#include "callbacks.h"
#include "handles.h"
#include "options.h"
#include "results.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace medplib::capi {
namespace {

using core::Answer;
using core::AskOptions;
using core::Session;
using core::StreamAction;
using core::StreamPiece;

StreamAction stream_action(std::int32_t returned) {
  switch (returned) {
    case MEDPLIB_CONTINUE:
      return StreamAction::Continue;
    case MEDPLIB_STOP:
      return StreamAction::Stop;
    case MEDPLIB_CANCEL:
      return StreamAction::Cancel;
  }
  fail_callback("on_text", returned);
}

std::optional<double> threshold_of(double threshold) {
  return threshold == MEDPLIB_THRESHOLD_OF_MODEL ? std::nullopt : std::optional(threshold);
}

AskOptions ask_options(const medplib_ask_options* given) {
  const medplib_ask_options options = completed(given);
  AskOptions result;
  if (options.region_count > 0) required(options.regions, "options.regions");
  for (std::size_t i = 0; i < options.region_count; ++i)
    result.regions.push_back(required(options.regions[i], "options.regions[i]").region);
  result.max_new_tokens = options.max_new_tokens;
  result.temperature = options.temperature;
  result.top_k = options.top_k;
  result.top_p = options.top_p;
  result.seed = options.seed;
  result.threshold = threshold_of(options.threshold);
  if (options.on_text != nullptr)
    result.on_text = [on_text = options.on_text, user = options.user](const StreamPiece& piece) {
      return stream_action(called("on_text", [&] {
        return on_text(user, piece.text.data(), piece.text.size(), piece.token, piece.index);
      }));
    };
  return result;
}

std::int32_t answer_to(medplib_session* session, const medplib_ask_options* options, medplib_answer** answer,
                       const std::function<Answer(Session&, const AskOptions&)>& verb) {
  return guarded([&] {
    medplib_answer*& given = output(answer, "answer");
    Session& asked = required(session, "session").session;
    given = new medplib_answer(verb(asked, ask_options(options)));
  });
}

using Many = std::vector<core::Outcome> (Session::*)(const std::vector<core::Question>&);

medplib_answers::Outcome outcome_of(core::Outcome outcome) {
  if (auto* answer = std::get_if<Answer>(&outcome))
    return {.answer = std::make_unique<const medplib_answer>(std::move(*answer))};
  const auto& error = std::get<core::Error>(outcome);
  return {.answer = nullptr, .code = static_cast<std::int32_t>(error.code()), .error = error.what()};
}

std::int32_t answers_to(medplib_session* session, const char* const* texts, const char* argument,
                        std::size_t count, const medplib_ask_options* const* options,
                        medplib_answers** answers, Many verb) {
  return guarded([&] {
    medplib_answers*& given = output(answers, "answers");
    Session& asked = required(session, "session").session;
    if (count > 0) required(texts, argument);
    std::vector<core::Question> questions;
    for (std::size_t i = 0; i < count; ++i)
      questions.push_back(
          {&required(texts[i], argument), ask_options(options == nullptr ? nullptr : options[i])});
    auto all = std::make_unique<medplib_answers>();
    for (core::Outcome& outcome : (asked.*verb)(questions))
      all->outcomes.push_back(outcome_of(std::move(outcome)));
    given = all.release();
  });
}

std::vector<core::Click> clicks_of(const medplib_refine_options& options) {
  std::vector<core::Click> clicks;
  if (options.click_count > 0) {
    required(options.clicks, "options.clicks");
    required(options.inside, "options.inside");
  }
  for (std::size_t i = 0; i < options.click_count; ++i) {
    const std::int32_t inside = options.inside[i];
    if (inside != 0 && inside != 1)
      core::fail(core::ErrorCode::InvalidArgument, "options.inside of click ", i, " is ", inside,
                 ": give 1 for inside and 0 for outside.");
    clicks.push_back({options.clicks[2 * i], options.clicks[2 * i + 1], inside == 1});
  }
  return clicks;
}

core::Mask refined(Session& session, const medplib_refine_options& options) {
  const auto mask = options.mask == nullptr ? std::nullopt : std::optional(options.mask->mask);
  const auto box = options.box == nullptr ? std::nullopt : std::optional(options.box->region);
  core::Mask better = session.refine(mask, clicks_of(options), box, threshold_of(options.threshold));
  log_warnings(better.warnings);
  return better;
}

}  // namespace
}  // namespace medplib::capi

using namespace medplib::capi;

std::int32_t medplib_ask(medplib_session* session, const char* question, const medplib_ask_options* options,
                         medplib_answer** answer) {
  return answer_to(session, options, answer, [&](Session& asked, const AskOptions& given) {
    return asked.ask(&required(question, "question"), given);
  });
}

std::int32_t medplib_segment(medplib_session* session, const char* phrase, const medplib_ask_options* options,
                             medplib_answer** answer) {
  return answer_to(session, options, answer, [&](Session& asked, const AskOptions& given) {
    return asked.segment(&required(phrase, "phrase"), given);
  });
}

std::int32_t medplib_describe(medplib_session* session, const medplib_region* region,
                              const medplib_ask_options* options, medplib_answer** answer) {
  return answer_to(session, options, answer, [&](Session& asked, const AskOptions& given) {
    return asked.describe(required(region, "region").region, given);
  });
}

std::int32_t medplib_chat(medplib_session* session, const char* message, const medplib_ask_options* options,
                          medplib_answer** answer) {
  return answer_to(session, options, answer, [&](Session& asked, const AskOptions& given) {
    return asked.chat(&required(message, "message"), given);
  });
}

std::int32_t medplib_refine(medplib_session* session, const medplib_refine_options* options,
                            medplib_mask** mask) {
  return guarded([&] {
    medplib_mask*& drawn = output(mask, "mask");
    drawn = new medplib_mask{refined(required(session, "session").session, completed(options))};
  });
}

std::int32_t medplib_ask_many(medplib_session* session, const char* const* questions, std::size_t count,
                              const medplib_ask_options* const* options, medplib_answers** answers) {
  return answers_to(session, questions, "questions", count, options, answers, &Session::ask_many);
}

std::int32_t medplib_segment_many(medplib_session* session, const char* const* phrases, std::size_t count,
                                  const medplib_ask_options* const* options, medplib_answers** answers) {
  return answers_to(session, phrases, "phrases", count, options, answers, &Session::segment_many);
}
