#include "ops/warm_up.h"

#include <ATen/ATen.h>

#include <mutex>

namespace medplib::core {
namespace {

std::once_flag warm;

}  // namespace

const std::array<MathFunction, 2> kMathFunctions = {MathFunction{"cos", at::cos},
                                                    MathFunction{"sin", at::sin}};

void warm_up_math() {
  std::call_once(warm, [] {
    const at::Tensor one = at::ones({1}, at::kFloat);  // too little to share among threads
    for (const MathFunction& function : kMathFunctions) (void)function.call(one);
  });
}

void leave_math_cold() {
  std::call_once(warm, [] {});
}

}  // namespace medplib::core
