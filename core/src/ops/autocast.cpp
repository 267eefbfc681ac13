#include "ops/autocast.h"

#include <ATen/autocast_mode.h>

namespace medplib::core {

Autocast::Autocast(bool on)
    : before_(at::autocast::is_autocast_enabled(at::kCPU)),
      type_before_(at::autocast::get_autocast_dtype(at::kCPU)) {
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  at::autocast::set_autocast_enabled(at::kCPU, on);
}

bool Autocast::is_on() { return at::autocast::is_autocast_enabled(at::kCPU); }

Autocast::~Autocast() {
  at::autocast::clear_cache();  // of the copies of the weights, which the next step changes
  at::autocast::set_autocast_enabled(at::kCPU, before_);
  at::autocast::set_autocast_dtype(at::kCPU, type_before_);
}

}  // namespace medplib::core
