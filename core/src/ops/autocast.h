// Training in lower precision: float32 weights, bfloat16 products.
#pragma once

#include <c10/core/DispatchKeySet.h>
#include <c10/core/ScalarType.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace medplib::core {

// While it lives, this thread's matrix products, convolutions and attentions take bfloat16 copies of their
// float32 inputs (ATen's autocast on the CPU). Gradients arrive in float32.
class Autocast {
 public:
  explicit Autocast(bool on);
  static bool is_on();
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool before_;
  c10::ScalarType type_before_;
};

// While it lives, nothing is cast: for what must be exact even in training.
class NoAutocast {
 public:
  NoAutocast() : guard_(c10::autocast_dispatch_keyset) {}

 private:
  c10::impl::ExcludeDispatchKeyGuard guard_;
};

}  // namespace medplib::core
