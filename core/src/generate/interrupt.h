// Stopping a call that is under way, from any thread.
#pragma once

#include "nn/layers.h"

#include <medplib/core/error.h>

#include <atomic>
#include <functional>
#include <string_view>
#include <utility>

namespace medplib::core {

class Interrupt {
 public:
  explicit Interrupt(std::function<void(std::string_view)> on_layer) : on_layer_(std::move(on_layer)) {}

  void request() noexcept { requested_.store(true, std::memory_order_relaxed); }
  void forget() noexcept { requested_.store(false, std::memory_order_relaxed); }

  // Throws Cancelled once it was requested.
  void check() const {
    if (requested_.load(std::memory_order_relaxed)) fail(ErrorCode::Cancelled, "The call was cancelled.");
  }
  void before(std::string_view layer) const {
    check();
    if (on_layer_) on_layer_(layer);
    check();
  }
  Tap tap() const {
    return [this](std::string_view layer, const at::Tensor&) { before(layer); };
  }

 private:
  static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may request it");
  std::atomic<bool> requested_ = false;
  std::function<void(std::string_view)> on_layer_;
};

}  // namespace medplib::core
