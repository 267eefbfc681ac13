#include "handles.h"
#include "options.h"

#include <cstddef>
#include <span>
#include <utility>

namespace medplib::capi {
namespace {

using core::ErrorCode;
using core::fail;

core::SessionOptions session_options(const medplib_session_options* given) {
  const medplib_session_options options = completed(given);
  check_unknown_bytes(&options.reserved, sizeof options.reserved);
  core::SessionOptions result;
  if (options.context != MEDPLIB_CONTEXT_OF_MODEL) {
    if (options.context < 1)
      fail(ErrorCode::InvalidArgument, "context is ", options.context,
           ": give at least 1 token, or MEDPLIB_CONTEXT_OF_MODEL.");
    result.context = options.context;
  }
  if (options.compat == MEDPLIB_COMPAT_REFERENCE)
    result.compat = core::Compat::Reference;
  else if (options.compat != MEDPLIB_COMPAT_NONE)
    fail(ErrorCode::InvalidArgument, "compat ", options.compat,
         " is none of MEDPLIB_COMPAT_NONE and MEDPLIB_COMPAT_REFERENCE.");
  return result;
}

core::AskOptions ask_options(const medplib_ask_options* given) {
  const medplib_ask_options options = completed(given);
  core::AskOptions result;
  if (options.region_count > 0) required(options.regions, "options.regions");
  for (std::size_t i = 0; i < options.region_count; ++i)
    result.regions.push_back(required(options.regions[i], "options.regions[i]").region);
  result.max_new_tokens = options.max_new_tokens;
  result.temperature = options.temperature;
  result.top_k = options.top_k;
  result.top_p = options.top_p;
  result.seed = options.seed;
  if (options.threshold != MEDPLIB_THRESHOLD_OF_MODEL) result.threshold = options.threshold;
  return result;
}

medplib_answer* handle_of(core::Answer answer) {
  auto handle = std::make_unique<medplib_answer>();
  handle->text = std::move(answer.text);
  for (core::Mask& mask : answer.masks) handle->masks.push_back({std::move(mask)});
  return handle.release();
}

}  // namespace
}  // namespace medplib::capi

using namespace medplib::capi;

std::int32_t medplib_session_create(const medplib_model* model, const medplib_session_options* options,
                                    medplib_session** session) {
  return guarded([&] {
    medplib_session*& created = output(session, "session");
    created =
        new medplib_session{medplib::core::Session(required(model, "model").model, session_options(options))};
  });
}

void medplib_session_free(medplib_session* session) { delete session; }

std::int32_t medplib_session_set_image(medplib_session* session, const char* path) {
  return guarded([&] {
    required(session, "session").session.set_image(medplib::core::Image::read(&required(path, "path")));
  });
}

std::int32_t medplib_session_set_image_pixels(medplib_session* session, const void* pixels,
                                              std::size_t byte_size, std::int32_t width, std::int32_t height,
                                              std::size_t stride, std::int32_t channels,
                                              std::int32_t pixel_type) {
  return guarded([&] {
    auto& target = required(session, "session").session;
    const auto* bytes = &required(static_cast<const std::byte*>(pixels), "pixels");
    if (pixel_type != MEDPLIB_PIXEL_U8)
      fail(ErrorCode::InvalidArgument, "pixel_type ", pixel_type, " is not MEDPLIB_PIXEL_U8.");
    target.set_image(
        medplib::core::Image::from_pixels(std::span(bytes, byte_size), width, height, stride, channels));
  });
}

std::int32_t medplib_region_parse(const char* text, medplib_region** region) {
  return guarded([&] {
    medplib_region*& parsed = output(region, "region");
    parsed = new medplib_region{medplib::core::Region::parse(&required(text, "text"))};
  });
}

void medplib_region_free(medplib_region* region) { delete region; }

std::int32_t medplib_ask(medplib_session* session, const char* question, const medplib_ask_options* options,
                         medplib_answer** answer) {
  return guarded([&] {
    medplib_answer*& given = output(answer, "answer");
    given = handle_of(
        required(session, "session").session.ask(&required(question, "question"), ask_options(options)));
  });
}

std::int32_t medplib_segment(medplib_session* session, const char* phrase, const medplib_ask_options* options,
                             medplib_answer** answer) {
  return guarded([&] {
    medplib_answer*& given = output(answer, "answer");
    given = handle_of(
        required(session, "session").session.segment(&required(phrase, "phrase"), ask_options(options)));
  });
}
