// A golden case opened, and the network that it was made with.
#pragma once

#include "base/json.h"
#include "nn/network.h"
#include "support/golden.h"
#include "support/tolerance.h"
#include "weights/checkpoint.h"

#include <medplib/core/error.h>
#include <medplib/core/image.h>
#include <medplib/core/region.h>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace medplib::test {

// config.json as the case wants it: its "checkpoint" may end "…, with config.KEY.KEY=NUMBER".
inline core::Json config_of(const std::filesystem::path& checkpoint, const core::Json& facts) {
  core::Json config = core::read_json(checkpoint / "config.json");
  const auto named = facts.at("checkpoint").get<std::string>();
  const std::string with = ", with config.";
  const std::size_t at = named.find(with), equals = named.find('=');
  if (at == std::string::npos) return config;
  std::string key = named.substr(at + with.size(), equals - at - with.size());
  std::replace(key.begin(), key.end(), '.', '/');
  config[core::Json::json_pointer("/" + key)] = std::stoll(named.substr(equals + 1));
  return config;
}

// How the published code reads 16-bit pictures.
inline const core::ImageOptions kAsPublished{.limits = {}, .sixteen_bit = core::SixteenBit::HighByte};

// Why the published code computed something else than the model, if it did: with more than two experts, it
// drops the tokens that an expert has no place for. Which ones, it leaves to chance.
inline std::optional<std::string> tokens_dropped(const core::Json& facts, const core::Json& config) {
  const core::Json& moe = config.at("moe");
  const double factor = moe.value("eval_capacity_factor", 2.0) * moe.value("top_k_experts", 1);
  for (const auto& [layer, counts] : facts.at("router_counts").items()) {
    const auto taken = counts.get<std::vector<std::int64_t>>();
    const double tokens = facts.at("seq_len").get<double>(), experts = static_cast<double>(taken.size());
    const double places = std::max(std::ceil(tokens / experts * factor), moe.value("min_capacity", 0.0));
    if (static_cast<double>(*std::ranges::max_element(taken)) > places)
      return core::text_of("the published code dropped tokens at random in layer ", layer);
  }
  return std::nullopt;
}

struct OpenCase {
  explicit OpenCase(const GoldenCase& golden)
      : golden(golden),
        facts(core::read_json(golden.file(".json"))),
        config(core::ModelConfig::from_json(config_of(golden_model(golden.checkpoint), facts), golden.name)),
        image(core::Image::read(test::golden(golden.folder / fact<std::string>("image")), kAsPublished)),
        tensors_(load_golden(golden.file(".safetensors"))) {}

  template <class T>
  T fact(const char* key) const {
    return core::required<T>(facts, key, "the golden case");
  }
  bool has(const std::string& tensor) const { return tensors_.contains(tensor); }
  const at::Tensor& tensor(const std::string& name) const {
    read_.insert(name);
    return tensors_.at(name);
  }
  // What nobody has asked for, of the teacher-forced answer's tensors.
  std::vector<std::string> unread() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : tensors_)
      if (!read_.contains(name) && !name.starts_with("gen_")) names.push_back(name);
    return names;
  }

  std::vector<core::Region> regions() const {
    std::vector<core::Region> all;
    for (const core::Json& region : facts.value("regions", core::Json::array()))
      all.push_back(
          core::Region::mask_file(test::golden(golden.folder / region.at("file").get<std::string>())));
    return all;
  }

  GoldenCase golden;
  core::Json facts;
  core::ModelConfig config;
  core::Image image;

 private:
  std::map<std::string, at::Tensor> tensors_;
  mutable std::set<std::string> read_;
};

inline std::unique_ptr<core::Network> load_network(const std::filesystem::path& checkpoint,
                                                   const core::ModelConfig& config, c10::ScalarType dtype,
                                                   c10::Device device) {
  core::Checkpoint source(checkpoint, dtype, device);
  auto network = std::make_unique<core::Network>(source, config);
  source.finish();
  return network;
}

inline double cosine(const at::Tensor& left, const at::Tensor& right) {
  const at::Tensor a = left.to(at::kCPU, at::kDouble).flatten(), b = right.to(at::kDouble).flatten();
  const double lengths = (a.norm() * b.norm()).item<double>();
  return lengths > 0 ? (a * b).sum().item<double>() / lengths : 1;
}

// Both the largest difference and the direction.
inline void expect_close(const std::string& what, const at::Tensor& got, const at::Tensor& expected,
                         double tolerance, double least_cosine = -1) {
  const at::Tensor wanted = expected.to(at::kFloat).reshape(got.sizes());
  EXPECT_LE(relative_error(got, wanted), tolerance) << what;
  EXPECT_GE(cosine(got, wanted), least_cosine) << what;
}

// IoU estimates lie around 0 … 1: in low precision one close to 0 is not held to a share of itself.
inline void expect_same_iou(const std::string& what, const at::Tensor& got, const at::Tensor& expected,
                            const Variant& variant) {
  const double largest = expected.abs().max().item<double>();
  const double scale = variant.dtype == at::kFloat ? 1.0 : std::max(1.0, 1.0 / largest);
  EXPECT_LE(relative_error(got, expected), variant.tolerance.masks * scale) << what;
}

}  // namespace medplib::test
