// How much memory tensors take while it lives.
#pragma once

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <cstdint>
#include <memory>

namespace medplib::core {

// Of tensors made by this thread, on any device. Those made before must not be freed meanwhile.
class MemoryPeak {
 public:
  std::int64_t bytes() const { return meter_->peak; }

 private:
  struct Meter : c10::MemoryReportingInfoBase {
    std::int64_t now = 0, peak = 0;
    // `bytes`: negative where memory is freed.
    void reportMemoryUsage(void* /*at*/, std::int64_t bytes, std::size_t /*allocated*/,
                           std::size_t /*reserved*/, c10::Device /*device*/) override {
      now += bytes;
      peak = std::max(peak, now);
    }
    bool memoryProfilingEnabled() const override { return true; }
  };

  std::shared_ptr<Meter> meter_ = std::make_shared<Meter>();
  c10::DebugInfoGuard guard_{c10::DebugInfoKind::PROFILER_STATE, meter_};
};

}  // namespace medplib::core
