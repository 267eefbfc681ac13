#include "callbacks.h"
#include "handles.h"
#include "options.h"
#include "results.h"

#include <span>
#include <string>
#include <vector>

namespace medplib::capi {
namespace {

core::Precision precision_of(std::int32_t precision) {
  switch (precision) {
    case MEDPLIB_PRECISION_FLOAT32:
      return core::Precision::Float32;
    case MEDPLIB_PRECISION_BFLOAT16:
      return core::Precision::BFloat16;
  }
  core::fail(core::ErrorCode::InvalidArgument, "precision ", precision,
             " is none of MEDPLIB_PRECISION_FLOAT32 and MEDPLIB_PRECISION_BFLOAT16.");
}

core::LoadOptions load_options(const medplib_load_options* given) {
  const medplib_load_options options = completed(given);
  check_unknown_bytes(&options.reserved, sizeof options.reserved);
  core::LoadOptions result{&required(options.device, "options.device"), precision_of(options.precision), {}};
  if (options.on_progress != nullptr)
    result.progress = [options](double part) {
      return goes_on("on_progress", [&] { return options.on_progress(options.user, part); });
    };
  return result;
}

std::string lines_of(const std::vector<std::string>& sentences) {
  std::string lines;
  for (const std::string& sentence : sentences) lines.append(sentence).append("\n");
  return lines;
}

}  // namespace
}  // namespace medplib::capi

using namespace medplib::capi;

std::int32_t medplib_embedded_model(char* buffer, std::size_t capacity, std::size_t* needed) {
  return guarded([&] {
    const std::string folder = medplib::core::embedded_model().string();
    copy_out(std::span(folder.c_str(), folder.size() + 1), buffer, capacity, needed);
  });
}

std::int32_t medplib_inspect(const char* folder, std::int32_t precision, medplib_bytes** json) {
  return guarded([&] {
    medplib_bytes*& told = output(json, "json");
    told = bytes_of(medplib::core::info_json(
        medplib::core::inspect(&required(folder, "folder"), precision_of(precision))));
  });
}

std::int32_t medplib_verify(const char* folder, std::int32_t* count, medplib_bytes** problems) {
  return guarded([&] {
    medplib_bytes*& told = output(problems, "problems");
    required(count, "count");
    const std::vector<std::string> found = medplib::core::verify(&required(folder, "folder")).problems;
    told = bytes_of(lines_of(found));
    *count = static_cast<std::int32_t>(found.size());
  });
}

std::int32_t medplib_model_load(const char* folder, const medplib_load_options* options,
                                medplib_model** model) {
  return guarded([&] {
    medplib_model*& loaded = output(model, "model");
    loaded =
        new medplib_model{medplib::core::Model::load(&required(folder, "folder"), load_options(options))};
  });
}

std::int32_t medplib_model_info_json(const medplib_model* model, medplib_bytes** json) {
  return guarded([&] {
    medplib_bytes*& told = output(json, "json");
    told = bytes_of(medplib::core::info_json(required(model, "model").model.info()));
  });
}

void medplib_model_free(medplib_model* model) { delete model; }
