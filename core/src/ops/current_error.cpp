#include <medplib/core/current_error.h>

#include <c10/util/Exception.h>
#include <opencv2/core.hpp>

#include <filesystem>
#include <new>
#include <oneapi/dnnl/dnnl_common.hpp>
#include <string>
#include <string_view>

namespace medplib::core {

namespace {

// LibTorch has no type for a failed allocation on the host, only this text.
bool is_host_allocation(const std::string& text) {
  return text.find("DefaultCPUAllocator: can't allocate memory") != std::string::npos;
}

// oneDNN may take a failed allocation for a missing CPU.
bool is_host_allocation(const dnnl::error& error) {
  return error.status == dnnl_out_of_memory || std::string_view(error.what()) == "could not create an engine";
}

Error out_of_host_memory() {
  return {ErrorCode::OutOfHostMemory,
          "The machine is out of memory: close other programs, or use a smaller model or image."};
}

Error defect(const std::string& what) {
  return {ErrorCode::Internal,
          text_of("The engine has a defect here, please report it with this text: ", what)};
}

}  // namespace

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return out_of_host_memory();
  } catch (const c10::OutOfMemoryError& error) {
    return {ErrorCode::OutOfDeviceMemory,
            text_of("The device is out of memory: use bfloat16, a smaller context or another device. ",
                    error.what_without_backtrace())};
  } catch (const c10::AcceleratorError& error) {
    return {ErrorCode::Device,
            text_of("The device failed, restart the program: ", error.what_without_backtrace())};
  } catch (const c10::Error& error) {
    return is_host_allocation(error.what()) ? out_of_host_memory() : defect(error.what_without_backtrace());
  } catch (const cv::Exception& error) {
    return error.code == cv::Error::StsNoMem ? out_of_host_memory() : defect(error.what());
  } catch (const dnnl::error& error) {
    return is_host_allocation(error) ? out_of_host_memory() : defect(error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    return {ErrorCode::Io, text_of("Reading or writing failed: ", error.what())};
  } catch (const std::exception& error) {
    return is_host_allocation(error.what()) ? out_of_host_memory() : defect(error.what());
  } catch (...) {
    return defect("an exception of unknown type");
  }
}

}  // namespace medplib::core
