#include "ops/own_state.h"

#include <ATen/autocast_mode.h>

namespace medplib::core {

OwnState::OwnState()
    : cast_on_cpu_(at::autocast::is_autocast_enabled(at::kCPU)),
      cast_on_cuda_(at::autocast::is_autocast_enabled(at::kCUDA)),
      unseen_(c10::python_ks | c10::functorch_transforms_ks | c10::functorch_batched_ks) {
  at::autocast::set_autocast_enabled(at::kCPU, false);
  at::autocast::set_autocast_enabled(at::kCUDA, false);
}

OwnState::~OwnState() {
  at::autocast::set_autocast_enabled(at::kCPU, cast_on_cpu_);
  at::autocast::set_autocast_enabled(at::kCUDA, cast_on_cuda_);
}

}  // namespace medplib::core
