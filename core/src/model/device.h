// Where a model computes. LibTorch's CUDA part is opened when it is asked for, and not before.
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace medplib::core {

// "cpu", "cuda", "cuda:N", or "auto": a GPU when a driver and LibTorch's CUDA part are there, else the CPU.
// Errors: InvalidArgument (another name), Device (no driver, no such GPU, or LibTorch without CUDA).
c10::Device open_device(const std::string& name);

}  // namespace medplib::core
