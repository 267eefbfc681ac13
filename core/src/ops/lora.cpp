#include "ops/lora.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

namespace medplib::core {

double scale_of(const Lora& lora) { return lora.alpha / static_cast<double>(lora.a.size(0)); }

at::Generator new_generator(c10::Device device) {
  if (device.is_cpu()) return at::detail::createCPUGenerator();
  return at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(device.index());
}

at::Tensor drop_out(const at::Tensor& x, Dropout& dropout) {
  const at::Tensor kept = at::empty_like(x).bernoulli_(1 - dropout.share, dropout.random);
  return x * kept.div_(1 - dropout.share);
}

at::Tensor apply_lora(const at::Tensor& x, const Lora& lora) {
  const at::Tensor input = lora.dropout ? drop_out(x, *lora.dropout) : x;
  return scale_of(lora) * at::linear(at::linear(input, lora.a), lora.b);
}

at::Tensor merge_lora(const at::Tensor& base, const Lora& lora) {
  return base + scale_of(lora) * at::matmul(lora.b, lora.a);
}

}  // namespace medplib::core
