#include "support/golden.h"

#include "base/json.h"
#include "weights/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>
#include <limits>

namespace medplib::test {

namespace fs = std::filesystem;

std::map<std::string, at::Tensor> load_golden(const fs::path& file) {
  const auto opened = core::SafetensorsFile::open(golden(file));
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, entry] : opened.entries()) tensors.emplace(name, opened.tensor(name));
  return tensors;
}

double relative_error(const at::Tensor& got, const at::Tensor& expected) {
  if (got.sizes() != expected.sizes()) return std::numeric_limits<double>::infinity();
  if (expected.numel() == 0) return 0;
  const at::Tensor reference = expected.detach().to(at::kCPU, at::kDouble);
  const at::Tensor difference = (got.detach().to(at::kCPU, at::kDouble) - reference).abs();
  if (!at::isfinite(difference).all().item<bool>()) return std::numeric_limits<double>::infinity();
  const double largest = reference.abs().max().item<double>();
  return difference.max().item<double>() / std::max(largest, std::numeric_limits<double>::min());
}

std::string test_name_of(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

namespace {

// The folder of weights that a case names: its "checkpoint" may end ", with config.KEY.KEY=NUMBER".
fs::path checkpoint_of(const fs::path& root, const std::string& named) {
  return root / "ckpt" / named.substr(0, named.find(", with "));
}

}  // namespace

std::vector<GoldenCase> golden_cases(const fs::path& root) {
  std::vector<GoldenCase> cases;
  if (!fs::exists(root / "cases" / "index.json")) return cases;
  for (const core::Json& entry : core::read_json(root / "cases" / "index.json")) {
    cases.push_back(
        {core::required<std::string>(entry, "name", "cases/index.json"), root / "cases",
         checkpoint_of(root, core::required<std::string>(entry, "checkpoint", "cases/index.json"))});
  }
  return cases;
}

std::vector<fs::path> golden_checkpoints() {
  std::vector<fs::path> folders;
  const fs::path root = golden_root() / "ckpt";
  if (!fs::exists(root)) return folders;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

}  // namespace medplib::test
