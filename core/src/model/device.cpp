#include "model/device.h"

#include "base/log.h"

#include <medplib/core/error.h>

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>

#include <charconv>
#include <dlfcn.h>
#include <filesystem>
#include <optional>

namespace medplib::core {

namespace {

namespace fs = std::filesystem;

// Cheap, and without touching ATen: once it was asked whether it has CUDA it keeps the answer.
bool driver_is_there() {
  std::error_code ignored;
  if (fs::exists("/dev/nvidia0", ignored) || fs::exists("/dev/dxg", ignored)) return true;
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver == nullptr) return false;
  dlclose(driver);
  return true;
}

// The folder that holds libtorch_cpu.so: its CUDA part lies beside it.
fs::path torch_folder() {
  Dl_info info{};
  const auto* symbol = reinterpret_cast<const void*>(&at::globalContext);
  if (dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return {};
  return fs::path(info.dli_fname).parent_path();
}

// What is in the way of using CUDA; nothing when it is open.
std::optional<std::string> open_cuda() {
  static const std::optional<std::string> trouble = []() -> std::optional<std::string> {
    if (!driver_is_there()) return "no NVIDIA driver was found on this machine";
    const fs::path library = torch_folder() / "libtorch_cuda.so";
    if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr)
      return text_of("LibTorch's CUDA part could not be opened (", dlerror(), ")");
    if (!at::globalContext().hasCUDA()) return "the driver offers no GPU to LibTorch";
    // Float32 means float32: convolutions would otherwise be computed with 10 bits of mantissa.
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    return std::nullopt;
  }();
  return trouble;
}

c10::Device cuda_device(int index) {
  if (const auto trouble = open_cuda())
    fail(ErrorCode::Device, "The device cuda cannot be used: ", *trouble, ". Use --device cpu.");
  const int count = static_cast<unsigned char>(at::detail::getCUDAHooks().deviceCount());
  if (index >= count)
    fail(ErrorCode::Device, "There is no device cuda:", index, ": this machine has ", count,
         " GPU(s), numbered from 0.");
  return {c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index)};
}

}  // namespace

c10::Device open_device(const std::string& name) {
  const c10::Device cpu = c10::DeviceType::CPU;
  if (name == "cpu") return cpu;
  if (name == "auto") {
    if (!driver_is_there()) return cpu;
    if (const auto trouble = open_cuda()) {
      log(LogLevel::Warning, "The CPU is used, although there is a GPU: ", *trouble, ".");
      return cpu;
    }
    return cuda_device(0);
  }
  if (name == "cuda") return cuda_device(0);
  int index = 0;
  const char* end = name.data() + name.size();
  if (name.starts_with("cuda:") && name.size() > 5) {
    const auto parsed = std::from_chars(name.data() + 5, end, index);
    if (parsed.ec == std::errc() && parsed.ptr == end && index >= 0 && index < 128) return cuda_device(index);
  }
  fail(ErrorCode::InvalidArgument, "There is no device \"", name, "\": use auto, cpu, cuda or cuda:N.");
}

}  // namespace medplib::core
