#include "handles.h"
#include "options.h"

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
  return {&required(options.device, "options.device"), precision_of(options.precision), {}};
}

}  // namespace
}  // namespace medplib::capi

using namespace medplib::capi;

std::int32_t medplib_model_load(const char* folder, const medplib_load_options* options,
                                medplib_model** model) {
  return guarded([&] {
    medplib_model*& loaded = output(model, "model");
    loaded =
        new medplib_model{medplib::core::Model::load(&required(folder, "folder"), load_options(options))};
  });
}

void medplib_model_free(medplib_model* model) { delete model; }
