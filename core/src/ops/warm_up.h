// The math library's first call, made where no second thread can disturb it.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

namespace medplib::core {

// ATen leaves some functions of float32 vectors on the CPU to a library (MKL: ATen/cpu/vml.h), which finds
// out at its first call what processor it runs on, and keeps that in two steps without a lock. A second
// thread that enters in between takes the kernel of another processor or of lower accuracy: cosines that are
// off by 1.5e-4.
//
// These are the ones that asking, segmenting, refining and a step of training reach.
// tests/core/ops/test_warm_up records what they run, and fails when this list and what is reached differ. A
// profile below ATen, with a breakpoint on each of the library's functions (vmsCos, vmdCos, vmsExp …) while
// these tests run, shows the same two: what ATen calls exp, erf, tanh, log or sqrt inside gelu, softmax,
// sigmoid and the losses are its own.
struct MathFunction {
  const char* name;  // of the operator, after "aten::"
  at::Tensor (*call)(const at::Tensor&);
};
extern const std::array<MathFunction, 2> kMathFunctions;

// Calls each of them once on this thread, the first time in a process; whoever comes meanwhile waits. Every
// source of parameters does it, so that nothing computes with any before.
void warm_up_math();

// For the test that shows what happens without. Before anything else.
void leave_math_cold();

}  // namespace medplib::core
