# Imported targets for the CPU part of the PyTorch wheel: torch::cpu (ATen, autograd, c10).
# find_package(Torch) is not used: without a CUDA toolkit it stops, and it links libtorch_cuda.
# MEDPLIB_TORCH_DIR is the wheel's `torch` folder; by default the one of the project's virtual environment.
if(NOT MEDPLIB_TORCH_DIR)
  foreach(python ${Python_EXECUTABLE} "${CMAKE_SOURCE_DIR}/.venv/bin/python" python3)
    execute_process(
      COMMAND ${python} -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
      OUTPUT_VARIABLE torch_dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
    if(NOT failed)
      set(MEDPLIB_TORCH_DIR "${torch_dir}" CACHE PATH "The PyTorch wheel's torch folder")
      break()
    endif()
  endforeach()
endif()
if(NOT EXISTS "${MEDPLIB_TORCH_DIR}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "No PyTorch found. Run scripts/setup, or set MEDPLIB_TORCH_DIR to the torch folder of an installed torch==2.11.0.")
endif()
file(READ "${MEDPLIB_TORCH_DIR}/version.py" torch_version_py)
string(REGEX MATCH "__version__ = '([0-9.]+)" _ "${torch_version_py}")
set(MEDPLIB_TORCH_VERSION "${CMAKE_MATCH_1}")
if(NOT MEDPLIB_TORCH_VERSION VERSION_EQUAL 2.11.0)
  message(FATAL_ERROR "medplib is built with torch 2.11.0, but ${MEDPLIB_TORCH_DIR} holds ${MEDPLIB_TORCH_VERSION}.")
endif()

add_library(torch_cpu INTERFACE)
add_library(torch::cpu ALIAS torch_cpu)
target_include_directories(torch_cpu SYSTEM INTERFACE
  "${MEDPLIB_TORCH_DIR}/include" "${MEDPLIB_TORCH_DIR}/include/torch/csrc/api/include")
target_link_directories(torch_cpu INTERFACE "${MEDPLIB_TORCH_DIR}/lib")
target_link_libraries(torch_cpu INTERFACE
  "${MEDPLIB_TORCH_DIR}/lib/libtorch_cpu.so" "${MEDPLIB_TORCH_DIR}/lib/libc10.so")
# The wheel's libraries find libcudart and libcupti by their own RPATH; the linker need not.
target_link_options(torch_cpu INTERFACE -Wl,--allow-shlib-undefined)
