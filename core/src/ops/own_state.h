// The engine's tensors obey the engine, whatever the program around it has set for its own.
#pragma once

#include <c10/core/InferenceMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace medplib::core {

// While it lives, this thread computes as at its start: nothing is cast (torch.autocast), gradients are known
// (torch.no_grad, torch.inference_mode), and nobody in Python sees or replaces what is computed (dispatch
// modes, torch.func). Everything that computes begins with one; at its end all is as it was. (The default
// type is the whole process's and is not touched: tensors are made with a type that is named.)
class OwnState {
 public:
  OwnState();
  ~OwnState();
  OwnState(const OwnState&) = delete;
  OwnState& operator=(const OwnState&) = delete;

 private:
  bool cast_on_cpu_, cast_on_cuda_;
  c10::InferenceMode normal_{false};
  c10::impl::ExcludeDispatchKeyGuard unseen_;
};

}  // namespace medplib::core
