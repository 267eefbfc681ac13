// The list of the math library's functions that are called once before all others stays true.
#include "generate/session_test.h"
#include "ops/warm_up.h"
#include "train/small_training.h"

#include <medplib/core/train.h>

#include <ATen/record_function.h>
#include <gmock/gmock.h>

#include <mutex>
#include <set>

namespace medplib::test {
namespace {

// ATen's operators that the library computes: ATen/cpu/vml.h.
const std::set<std::string> kOfTheLibrary = {"acos",   "asin", "atan", "cos",  "erf",   "erfc",
                                             "erfinv", "exp",  "log",  "log2", "log10", "sin",
                                             "sqrt",   "tan",  "tanh", "trunc"};

std::mutex lock;
std::set<std::string> reached;

std::unique_ptr<at::ObserverContext> record(const at::RecordFunction& function) {
  std::string name = function.name();  // "aten::cos_"
  name = name.substr(name.rfind(':') + 1);
  if (name.ends_with('_')) name.pop_back();
  const std::lock_guard guard(lock);
  if (kOfTheLibrary.contains(name)) reached.insert(name);
  return nullptr;
}

// While it lives, `reached` grows by what any thread runs.
class Profile {
 public:
  Profile() : handle_(at::addGlobalCallback(at::RecordFunctionCallback(record))) {}
  ~Profile() { at::removeCallback(handle_); }
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

 private:
  at::CallbackHandle handle_;
};

using WarmUp = SessionTest;

TEST_F(WarmUp, calls_all_functions_of_the_math_library_that_a_model_reaches_and_no_others) {
  const SmallTraining small;
  {
    const Profile profile;
    const core::Model model = load_model_of(given_->golden);
    Session session(model);
    session.set_image(given_->image);
    (void)session.ask(question_, options_);
    (void)session.segment("tumour", {.max_new_tokens = 4});
    (void)session.refine({}, {click(0.3, 0.4)}, box(0.1, 0.1, 0.6, 0.7));
    for (const char* precision : {"precision=float32", "precision=bfloat16"}) {
      core::TrainOptions options;
      options.out = small.folder() / precision;
      options.overrides = {precision,    "steps=1",         "focal=0.5",           "iou=0.5",
                           "prompted=1", "image_label=0.3", "structure_label=0.4", "validate=train.json"};
      core::train(small.recipe(), options);
    }
  }
  std::set<std::string> listed;
  for (const core::MathFunction& function : core::kMathFunctions) listed.insert(function.name);
  EXPECT_EQ(reached, listed);
}

}  // namespace
}  // namespace medplib::test
