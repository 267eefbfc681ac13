#include "callbacks.h"
#include "handles.h"
#include "options.h"
#include "results.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  if (options.on_layer != nullptr)
    result.on_layer = [options](std::string_view layer) {
      const std::string name(layer);
      if (!goes_on("on_layer", [&] { return options.on_layer(options.user, name.c_str()); }))
        fail(ErrorCode::Cancelled, "The call was cancelled by its callback on_layer.");
    };
  return result;
}

medplib_session_facts facts_of(const medplib_session& session) {
  medplib_session_facts facts = {};
  facts.device = session.device.c_str();
  facts.context = session.session.context();
  facts.precision = session.session.model().precision() == core::Precision::BFloat16
                        ? MEDPLIB_PRECISION_BFLOAT16
                        : MEDPLIB_PRECISION_FLOAT32;
  facts.compat = session.compat == core::Compat::Reference ? MEDPLIB_COMPAT_REFERENCE : MEDPLIB_COMPAT_NONE;
  return facts;
}

void write_rows(const core::Embedding& embedding, float* buffer, std::size_t capacity, std::size_t* needed,
                std::size_t* rows) {
  copy_out(std::span<const float>(embedding.values), buffer, capacity, needed);
  if (buffer != nullptr) log_warnings(embedding.warnings);
  if (rows != nullptr) *rows = static_cast<std::size_t>(embedding.rows);
}

}  // namespace
}  // namespace medplib::capi

using namespace medplib::capi;

std::int32_t medplib_session_create(const medplib_model* model, const medplib_session_options* options,
                                    medplib_session** session) {
  return guarded([&] {
    medplib_session*& created = output(session, "session");
    const medplib::core::Model& shared = required(model, "model").model;
    const medplib::core::SessionOptions given = session_options(options);
    created = new medplib_session{medplib::core::Session(shared, given), given.compat, shared.device()};
  });
}

std::int32_t medplib_session_info(const medplib_session* session, medplib_session_facts* facts,
                                  std::size_t struct_size) {
  return guarded([&] { write_struct(facts, "facts", struct_size, facts_of(required(session, "session"))); });
}

std::int32_t medplib_session_set_image(medplib_session* session, const medplib_image* image) {
  return guarded([&] { required(session, "session").session.set_image(required(image, "image").image); });
}

std::int32_t medplib_session_set_images(medplib_session* session, const medplib_image* const* images,
                                        std::size_t count) {
  return guarded([&] {
    auto& target = required(session, "session").session;
    required(images, "images");
    std::vector<medplib::core::Image> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(required(images[i], "images[i]").image);
    target.set_images(std::move(all));
  });
}

void medplib_session_cancel(medplib_session* session) {
  if (session != nullptr) session->session.cancel();
}

std::int32_t medplib_session_reset_chat(medplib_session* session) {
  return guarded([&] { required(session, "session").session.reset_chat(); });
}

std::int32_t medplib_embed_image(medplib_session* session, std::size_t index, float* buffer,
                                 std::size_t capacity, std::size_t* needed, std::size_t* rows) {
  return guarded([&] {
    write_rows(required(session, "session").session.embed_image(index), buffer, capacity, needed, rows);
  });
}

std::int32_t medplib_embed_region(medplib_session* session, const medplib_region* region, float* buffer,
                                  std::size_t capacity, std::size_t* needed) {
  return guarded([&] {
    auto& asked = required(session, "session").session;
    write_rows(asked.embed_region(required(region, "region").region), buffer, capacity, needed, nullptr);
  });
}

void medplib_session_free(medplib_session* session) { delete session; }
