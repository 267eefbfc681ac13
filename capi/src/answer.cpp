#include "handles.h"
#include "results.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace medplib::capi {
namespace {

using core::ErrorCode;
using core::fail;

// The element with this index. Errors: InvalidArgument.
template <class T, class Index>
const T& at(const std::vector<T>& elements, Index index, const char* what) {
  const auto place = static_cast<std::size_t>(index);  // what is below 0 is large now
  if (place >= elements.size())
    fail(ErrorCode::InvalidArgument, "There is no ", what, ' ', index, ": there are ", elements.size(),
         ", counted from 0.");
  return elements[place];
}

// A number that `count` tells, or a negative code.
template <class Count>
std::int32_t counted(const Count& count) noexcept {
  std::int32_t number = 0;
  const std::int32_t status = guarded([&] { number = static_cast<std::int32_t>(count()); });
  return status == MEDPLIB_OK ? number : status;
}

// A text that `find` finds, or NULL.
template <class Find>
const char* text_or_null(const Find& find) noexcept {
  const char* text = nullptr;
  guarded([&] { text = find().c_str(); });
  return text;
}

const core::Answer& told(const medplib_answer* answer) { return required(answer, "answer").answer; }

std::int32_t finish_of(core::Finish finish) {
  switch (finish) {
    case core::Finish::EndOfText:
      return MEDPLIB_FINISH_END_OF_TEXT;
    case core::Finish::Length:
      return MEDPLIB_FINISH_LENGTH;
    case core::Finish::Stopped:
      return MEDPLIB_FINISH_STOPPED;
  }
  fail(ErrorCode::Internal, "The answer ended in no known way.");
}

medplib_timing timing_of(const core::Timing& timing) {
  return {.struct_size = sizeof(medplib_timing),
          .image_encode = timing.image_encode,
          .prefill = timing.prefill,
          .decode = timing.decode,
          .masks = timing.masks,
          .first_token = timing.first_token,
          .total = timing.total,
          .prompt_tokens = timing.prompt_tokens,
          .reused_tokens = timing.reused_tokens,
          .generated_tokens = timing.generated_tokens,
          .reserved = 0};
}

}  // namespace
}  // namespace medplib::capi

using namespace medplib::capi;

const char* medplib_answer_text(const medplib_answer* answer) {
  return text_or_null([&]() -> const std::string& { return told(answer).text; });
}

const char* medplib_answer_prompt(const medplib_answer* answer) {
  return text_or_null([&]() -> const std::string& { return told(answer).prompt; });
}

std::int32_t medplib_answer_tokens(const medplib_answer* answer, std::int64_t* buffer, std::size_t capacity,
                                   std::size_t* needed) {
  return guarded([&] { copy_out(std::span(told(answer).tokens), buffer, capacity, needed); });
}

std::int32_t medplib_answer_warning_count(const medplib_answer* answer) {
  return counted([&] { return told(answer).warnings.size(); });
}

const char* medplib_answer_warning(const medplib_answer* answer, std::int32_t index) {
  return text_or_null([&]() -> const std::string& { return at(told(answer).warnings, index, "warning"); });
}

std::int32_t medplib_answer_finish(const medplib_answer* answer) {
  return counted([&] { return finish_of(told(answer).finish); });
}

std::int32_t medplib_answer_near_ties(const medplib_answer* answer) {
  return counted([&] { return told(answer).near_ties; });
}

std::int32_t medplib_answer_presence(const medplib_answer* answer, double* presence) {
  return guarded(
      [&] { required(presence, "presence") = told(answer).presence.value_or(MEDPLIB_NO_PROBABILITY); });
}

std::int32_t medplib_answer_timing(const medplib_answer* answer, medplib_timing* timing,
                                   std::size_t struct_size) {
  return guarded([&] { write_struct(timing, "timing", struct_size, timing_of(told(answer).timing)); });
}

std::int32_t medplib_answer_routing_layers(const medplib_answer* answer) {
  return counted([&] { return told(answer).routing.size(); });
}

std::int32_t medplib_answer_routing(const medplib_answer* answer, std::int32_t layer, std::int64_t* buffer,
                                    std::size_t capacity, std::size_t* needed) {
  return guarded([&] {
    copy_out(std::span(at(told(answer).routing, layer, "layer with experts")), buffer, capacity, needed);
  });
}

std::int32_t medplib_answer_mask_count(const medplib_answer* answer) {
  return counted([&] { return required(answer, "answer").masks.size(); });
}

std::int32_t medplib_answer_mask(const medplib_answer* answer, std::int32_t index,
                                 const medplib_mask** mask) {
  return guarded([&] {
    const medplib_mask*& found = output(mask, "mask");
    found = &at(required(answer, "answer").masks, index, "mask");
  });
}

void medplib_answer_free(medplib_answer* answer) { delete answer; }

std::int32_t medplib_answers_get(const medplib_answers* answers, std::size_t index,
                                 const medplib_answer** answer) {
  std::int32_t code = MEDPLIB_OK;
  const std::int32_t status = guarded([&] {
    const medplib_answer*& found = output(answer, "answer");
    const auto& outcome = at(required(answers, "answers").outcomes, index, "answer");
    if (outcome.answer == nullptr) remember_error(outcome.error);
    found = outcome.answer.get();
    code = outcome.code;
  });
  return status == MEDPLIB_OK ? code : status;
}

void medplib_answers_free(medplib_answers* answers) { delete answers; }
