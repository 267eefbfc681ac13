// Exit codes of the program, and which error gives which: here and nowhere else.
#pragma once

#include <medplib/core/current_error.h>
#include <medplib/core/error.h>

namespace medplib::cli {

enum ExitCode : int {
  kOk = 0,
  kFailure = 1,     // the work, or writing its result, failed; `verify` or `data check` found something
  kUsage = 2,       // the command line, or a question or region in it, cannot be used
  kModel = 3,       // the model could not be loaded
  kInput = 4,       // an image, mask, request or list of records could not be read
  kSomeFailed = 5,  // some of several items failed
  kInterrupted = 130
};

// What the program was at when an error came.
enum class Phase { Arguments, Input, Model, Work };

class Failure : public core::Error {
 public:
  Failure(Phase phase, const core::Error& error) : Error(error), phase_(phase) {}
  Phase phase() const noexcept { return phase_; }

 private:
  Phase phase_;
};

// Runs `work`; what it throws becomes a Failure of this phase.
template <class Work>
auto during(Phase phase, Work work) {
  try {
    return work();
  } catch (const Failure&) {
    throw;
  } catch (...) {
    throw Failure(phase, core::current_error());
  }
}

template <class... Parts>
[[noreturn]] void fail_usage(const Parts&... parts) {
  throw Failure(Phase::Arguments, core::Error(core::ErrorCode::InvalidArgument, core::text_of(parts...)));
}

inline Phase phase_of(const core::Error& error) {
  if (const auto* failure = dynamic_cast<const Failure*>(&error)) return failure->phase();
  switch (error.subject()) {
    case core::Subject::Model:
      return Phase::Model;
    case core::Subject::Data:
      return Phase::Input;
    case core::Subject::None:
      return Phase::Work;
  }
  return Phase::Work;
}

inline ExitCode exit_code(const core::Error& error) {
  if (error.code() == core::ErrorCode::Cancelled) return kInterrupted;
  if (error.code() == core::ErrorCode::InvalidArgument) return kUsage;
  switch (phase_of(error)) {
    case Phase::Arguments:
      return kUsage;
    case Phase::Input:
      return kInput;
    case Phase::Model:
      return kModel;
    case Phase::Work:
      return kFailure;
  }
  return kFailure;
}

}  // namespace medplib::cli
