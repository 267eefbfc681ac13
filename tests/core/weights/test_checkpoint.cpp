#include "base/files.h"
#include "nn/network.h"
#include "support/golden.h"
#include "support/temporary_folder.h"
#include "weights/checkpoint.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace medplib::core {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string head = "language.head.weight";
const std::string norm = "language.norm.weight";
const std::string router = "language.layers.0.moe.router.weight";

NamedTensors some_weights() {
  const auto generator = at::detail::createCPUGenerator(3);
  return {{head, at::randn({40, 64}, generator)},
          {norm, at::randn({64}, generator)},
          {router, at::randn({32, 64}, generator)}};
}

ParameterSpec spec_of(const std::string& name, const at::Tensor& tensor, bool float32 = false) {
  return {.name = name, .shape = tensor.sizes().vec(), .float32 = float32};
}

template <class Action>
std::pair<ErrorCode, std::string> error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {ErrorCode::Internal, "no error"};
}

TEST(Checkpoint, float32_comes_back_to_the_bit) {
  const test::TemporaryFolder folder;
  save_checkpoint(folder / "new/model", some_weights(), Storage::Float32);
  Checkpoint checkpoint(folder / "new/model");
  for (const auto& [name, tensor] : some_weights())
    EXPECT_TRUE(at::equal(checkpoint.take(spec_of(name, tensor)), tensor));
  EXPECT_NO_THROW(checkpoint.finish());
}

TEST(Checkpoint, bfloat16_rounds_all_but_what_stays_float32) {
  const test::TemporaryFolder folder;
  save_checkpoint(folder.path(), some_weights(), Storage::BFloat16);
  Checkpoint checkpoint(folder.path(), at::kBFloat16);
  for (const auto& [name, tensor] : some_weights()) {
    const bool float32 = name == router;
    const auto loaded = checkpoint.take(spec_of(name, tensor, float32));
    EXPECT_EQ(loaded.scalar_type(), float32 ? at::kFloat : at::kBFloat16);
    EXPECT_TRUE(at::equal(loaded, tensor.to(loaded.scalar_type()))) << name;
  }
  EXPECT_NO_THROW(checkpoint.finish());
}

TEST(Checkpoint, int8_is_off_by_half_a_scale_at_most) {
  const test::TemporaryFolder folder;
  auto weights = some_weights();
  weights[0].second[5].zero_();
  weights[0].second[6].mul_(1e-40);
  weights[0].second[7].mul_(1e30);
  save_checkpoint(folder.path(), weights, Storage::Int8);
  Checkpoint checkpoint(folder.path());
  const auto& dense = weights[0].second;
  const auto loaded = checkpoint.take(spec_of(head, dense));
  const auto scale = (dense.abs().amax(1, true) / 127).clamp_min(std::numeric_limits<float>::min());
  EXPECT_TRUE(((loaded - dense).abs() <= scale * 0.5001).all().item<bool>());
  EXPECT_FALSE(at::equal(loaded, dense));
  for (const auto& [name, tensor] : {weights[1], weights[2]})
    EXPECT_TRUE(at::equal(checkpoint.take(spec_of(name, tensor)), tensor)) << name << " is stored as it is";
  EXPECT_NO_THROW(checkpoint.finish());
}

TEST(Checkpoint, hands_out_a_matrix_in_the_form_in_which_it_is_stored) {
  const test::TemporaryFolder folder;
  const auto matrix = at::randn({40, 64});
  for (const auto storage : {Storage::Float32, Storage::Int8}) {
    save_checkpoint(folder.path(), {{head, matrix}}, storage);
    Checkpoint checkpoint(folder.path());
    const Weight weight = checkpoint.take_weight(spec_of(head, matrix));
    EXPECT_EQ(std::holds_alternative<Int8Rows>(weight.stored), storage == Storage::Int8);
    EXPECT_TRUE(at::equal(dense(weight), checkpoint.take(spec_of(head, matrix))));
  }
}

TEST(Checkpoint, int8_of_a_convolution_has_a_scale_for_each_output_channel) {
  const test::TemporaryFolder folder;
  const auto kernel = at::randn({16, 3, 7, 7});
  save_checkpoint(folder.path(), {{"clip.patch.weight", kernel}}, Storage::Int8);
  Checkpoint checkpoint(folder.path());
  const auto scale = kernel.flatten(1).abs().amax(1).view({16, 1, 1, 1}) / 127;
  EXPECT_TRUE(((checkpoint.take(spec_of("clip.patch.weight", kernel)) - kernel).abs() <= scale * 0.5001)
                  .all()
                  .item<bool>());
  EXPECT_EQ(checkpoint.tensors().size(), 2u);
}

TEST(Checkpoint, values_that_are_not_finite_are_found_and_not_quantised) {
  const test::TemporaryFolder folder;
  auto weights = some_weights();
  weights[0].second[3][3] = std::numeric_limits<float>::quiet_NaN();
  weights[1].second[3] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(error_of([&] { save_checkpoint(folder.path(), weights, Storage::Int8); }).first,
            ErrorCode::InvalidArgument);
  for (const auto storage : {Storage::Float32, Storage::BFloat16}) {
    save_checkpoint(folder.path(), weights, storage);
    EXPECT_THAT(Checkpoint(folder.path()).not_finite([](double) {}),
                ElementsAre("lm_head.weight", "model.norm.weight"));
  }
}

TEST(Checkpoint, all_faults_are_told_at_once) {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "model.safetensors",
                    {{"lm_head.weight", at::ones({4, 6})},
                     {"model.norm.weight", at::ones({4}, at::kLong)},
                     {"model.surprise", at::ones({2})},
                     {"model.layers.0.self_attn.rotary_emb.inv_freq", at::ones({2})}});
  Checkpoint checkpoint(folder.path());
  const auto zeros = checkpoint.take({.name = head, .shape = {4, 5}});
  EXPECT_TRUE(at::equal(zeros, at::zeros({4, 5})));
  checkpoint.take({.name = norm, .shape = {4}});
  checkpoint.take({.name = router, .shape = {2, 4}});
  const auto [code, sentence] = error_of([&] { checkpoint.finish(); });
  EXPECT_EQ(code, ErrorCode::Format);
  EXPECT_THAT(sentence, AllOf(HasSubstr("lm_head.weight: [4, 6] instead of [4, 5]"),
                              HasSubstr("model.norm.weight: I64 instead of"), HasSubstr("model.surprise [2]"),
                              HasSubstr("model.layers.0.mlp.deepspeed_moe.gate.wg.weight [2, 4]"),
                              Not(HasSubstr("inv_freq"))));
}

TEST(Checkpoint, a_long_list_of_faults_is_counted_in_the_sentence_and_told_to_its_end_in_the_details) {
  const test::TemporaryFolder folder;
  const std::string long_name =
      "model.layers.0.mlp.deepspeed_moe.experts.deepspeed_experts.0.gate_proj.weight.";
  std::vector<std::pair<std::string, at::Tensor>> tensors = {{"lm_head.weight", at::ones({4, 6})},
                                                             {"model.norm.weight", at::ones({4}, at::kLong)}};
  for (int i = 0; i < 100; ++i) tensors.emplace_back(long_name + std::to_string(i), at::ones({1}));
  write_safetensors(folder / "model.safetensors", tensors);
  try {
    Checkpoint checkpoint(folder.path());
    checkpoint.take({.name = head, .shape = {4, 5}});
    checkpoint.take({.name = norm, .shape = {4}});
    for (int i = 0; i < 50; ++i)
      checkpoint.take({.name = text_of("language.layers.", i, ".attention.q.weight"), .shape = {4, 4}});
    checkpoint.finish();
    FAIL() << "no error";
  } catch (const Error& error) {
    const std::string sentence = error.what();
    EXPECT_LE(sentence.size(), 1100) << sentence;  // a few characters have three bytes
    EXPECT_THAT(sentence,
                AllOf(HasSubstr("50 missing: model.layers.0.self"), HasSubstr("and 45 more; 100 unexpected"),
                      HasSubstr("1 of another shape: lm_head.weight: [4, 6]"),
                      HasSubstr("1 of another type: model.norm.weight"),
                      HasSubstr("`medplib verify` lists all."), Not(HasSubstr("\n"))));
    EXPECT_EQ(error.details().size(), 152U);
    for (int i = 0; i < 100; ++i)
      EXPECT_THAT(error.details(), testing::Contains(text_of("unexpected: ", long_name, i, " [1]")));
  }
}

TEST(Checkpoint, int8_without_a_fitting_scale_is_a_fault) {
  const auto fault = [](std::vector<std::pair<std::string, at::Tensor>> tensors) {
    const test::TemporaryFolder folder;
    tensors.emplace_back("lm_head.weight", at::ones({4, 5}, at::kChar));
    write_safetensors(folder / "model.safetensors", tensors);
    Checkpoint checkpoint(folder.path());
    checkpoint.take({.name = head, .shape = {4, 5}});
    return error_of([&] { checkpoint.finish(); }).second;
  };
  EXPECT_EQ(fault({{"lm_head.weight_scale", at::ones({4})}}), "no error");
  EXPECT_THAT(fault({}), HasSubstr("lm_head.weight_scale [4]"));
  EXPECT_THAT(fault({{"lm_head.weight_scale", at::ones({5})}}), HasSubstr("[5] instead of [4]"));
  EXPECT_THAT(fault({{"lm_head.weight_scale", at::ones({4}, at::kHalf)}}), HasSubstr("F16 instead of F32"));
}

TEST(Checkpoint, a_folder_without_weights_is_not_found) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { Checkpoint(folder.path()); }).first, ErrorCode::NotFound);
  EXPECT_EQ(error_of([&] { Checkpoint(folder / "none"); }).first, ErrorCode::NotFound);
}

class Shards : public testing::Test {
 protected:
  // The error of a folder whose index is this weight_map.
  std::pair<ErrorCode, std::string> error_with(const std::string& weight_map) {
    write_file(folder_ / "model.safetensors.index.json", R"({"weight_map":)" + weight_map + "}");
    return error_of([&] { Checkpoint opened(folder_.path()); });
  }
  const test::TemporaryFolder folder_;
};

TEST_F(Shards, are_read_as_one) {
  write_safetensors(folder_ / "1", {{"lm_head.weight", at::ones({4, 5})}});
  write_safetensors(folder_ / "2", {{"model.norm.weight", at::ones({5})}});
  EXPECT_EQ(error_with(R"({"lm_head.weight":"1","model.norm.weight":"2"})").second, "no error");
  Checkpoint checkpoint(folder_.path());
  EXPECT_TRUE(at::equal(checkpoint.take({.name = head, .shape = {4, 5}}), at::ones({4, 5})));
  EXPECT_TRUE(at::equal(checkpoint.take({.name = norm, .shape = {5}}), at::ones({5})));
  EXPECT_NO_THROW(checkpoint.finish());
}

TEST_F(Shards, that_are_missing_elsewhere_or_contradictory_are_refused) {
  write_safetensors(folder_ / "1", {{"a", at::ones({4})}});
  write_safetensors(folder_ / "2", {{"a", at::ones({4})}, {"b", at::ones({4})}});
  fs::create_symlink("/etc/hostname", folder_ / "link");
  const auto [code, sentence] = error_with(R"({"a":"3"})");
  EXPECT_EQ(code, ErrorCode::NotFound);
  EXPECT_THAT(sentence, HasSubstr("3"));
  for (const char* map : {R"({"a":"../1"})", R"({"a":"/etc/hostname"})", R"({"a":"link"})", R"({"c":"1"})",
                          R"({"a":"1","b":"2"})", R"({"a":1})", R"([])"}) {
    EXPECT_EQ(error_with(map).first, ErrorCode::Format) << map;
  }
}

// A folder of shards as people have them, each with one tensor of its own.
class PublishedFolder : public testing::Test {
 protected:
  void put_shard(const std::string& name, const std::string& tensor) {
    write_safetensors(folder_ / name, {{tensor, at::ones({2})}});
  }
  void put(const std::string& name, const std::string& text) { write_file(folder_ / name, text); }
  Error error() {
    try {
      Checkpoint opened(folder_.path());
    } catch (const Error& thrown) {
      return thrown;
    }
    return {ErrorCode::Internal, "no error"};
  }
  std::vector<std::string> tensors() {
    std::vector<std::string> names;
    for (const auto& tensor : Checkpoint(folder_.path()).tensors()) names.push_back(tensor.name);
    return names;
  }
  std::vector<std::string> left_alone() { return Checkpoint(folder_.path()).info().left_alone; }
  const test::TemporaryFolder folder_;
};

TEST_F(PublishedFolder, is_read_by_the_headers_of_its_shards_when_there_is_no_index) {
  put_shard("model-00001-of-00002.safetensors", "a");
  put_shard("model-00002-of-00002.safetensors", "b");
  EXPECT_THAT(tensors(), ElementsAre("a", "b"));
  EXPECT_THAT(left_alone(), testing::IsEmpty());
}

TEST_F(PublishedFolder, with_an_index_of_bin_files_is_read_by_its_shards_and_leaves_the_twins_alone) {
  put_shard("model-00001-of-00002.safetensors", "a");
  put_shard("model-00002-of-00002.safetensors", "b");
  const std::string index = R"({"weight_map":{"a":"pytorch_model-00001-of-00001.bin"}})";
  put("pytorch_model.bin.index.json", index);
  put("pytorch_model-00001-of-00001.bin", "never read");
  EXPECT_THAT(tensors(), ElementsAre("a", "b"));
  EXPECT_THAT(left_alone(), ElementsAre("pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json"));
  put("model.safetensors.index.json", index);  // the same under the other name
  EXPECT_THAT(tensors(), ElementsAre("a", "b"));
  EXPECT_THAT(left_alone(), testing::Contains("model.safetensors.index.json"));
}

TEST_F(PublishedFolder, with_a_file_of_all_weights_leaves_stray_shards_alone) {
  put_shard("model.safetensors", "a");
  put_shard("model-00001-of-00002.safetensors", "a");
  EXPECT_THAT(tensors(), ElementsAre("a"));
  EXPECT_THAT(left_alone(), ElementsAre("model-00001-of-00002.safetensors"));
}

TEST_F(PublishedFolder, with_an_index_leaves_what_it_does_not_name_alone) {
  put_shard("model-00001-of-00001.safetensors", "a");
  put_shard("model-00001-of-00002.safetensors", "b");
  put("model.safetensors.index.json", R"({"weight_map":{"a":"model-00001-of-00001.safetensors"}})");
  EXPECT_THAT(tensors(), ElementsAre("a"));
  EXPECT_THAT(left_alone(), ElementsAre("model-00001-of-00002.safetensors"));
}

TEST_F(PublishedFolder, that_lacks_shards_is_not_found_and_they_are_named) {
  put_shard("model-00001-of-00003.safetensors", "a");
  put_shard("model-00003-of-00003.safetensors", "b");
  EXPECT_EQ(error().code(), ErrorCode::NotFound);
  EXPECT_THAT(error().what(), HasSubstr("model-00002-of-00003.safetensors is missing"));
  fs::remove(folder_ / "model-00001-of-00003.safetensors");
  fs::remove(folder_ / "model-00003-of-00003.safetensors");
  put_shard("model-00001-of-00100.safetensors", "a");
  EXPECT_THAT(error().what(), AllOf(HasSubstr("99 shards are missing"), HasSubstr("model-00006"),
                                    HasSubstr("94 more"), Not(HasSubstr("model-00007"))));
  EXPECT_EQ(error().details().size(), 99U);
}

TEST_F(PublishedFolder, with_shards_of_two_sets_is_refused) {
  put_shard("model-00001-of-00001.safetensors", "a");
  put_shard("model-00002-of-00002.safetensors", "b");
  EXPECT_EQ(error().code(), ErrorCode::Format);
  EXPECT_THAT(error().what(), HasSubstr("2 sets"));
}

TEST_F(PublishedFolder, with_bin_files_alone_says_that_they_are_not_read) {
  put("pytorch_model-00001-of-00001.bin", "x");
  put("pytorch_model.bin.index.json", R"({"weight_map":{"a":"pytorch_model-00001-of-00001.bin"}})");
  EXPECT_EQ(error().code(), ErrorCode::NotFound);
  EXPECT_THAT(error().what(), HasSubstr("Save them as safetensors"));
}

TEST_F(PublishedFolder, has_buffers_that_are_accepted_and_anything_else_is_unexpected) {
  const std::string sam = "model.visual_model.", tower = "model.vision_tower.vision_tower.vision_model.";
  write_safetensors(folder_ / "model.safetensors",
                    {{sam + "pixel_mean", at::ones({3, 1, 1})},
                     {sam + "pixel_std", at::ones({3, 1, 1})},
                     {tower + "embeddings.position_ids", at::ones({1, 577}, at::kLong)},
                     {tower + "post_layernorm.weight", at::ones({8})},
                     {"model.layers.0.self_attn.rotary_emb.inv_freq", at::ones({4})}});
  EXPECT_NO_THROW(Checkpoint(folder_.path()).finish());
  write_safetensors(folder_ / "model.safetensors", {{"model.pixels", at::ones({3})}});
  EXPECT_THROW(Checkpoint(folder_.path()).finish(), Error);
}

TEST(Checkpoint, float16_is_read_and_its_pages_are_not_kept) {
  const test::TemporaryFolder folder;
  const at::Tensor stored = at::arange(4096 * 64, at::kFloat).view({4096, 64}).remainder(2048).to(at::kHalf);
  write_safetensors(folder / "model.safetensors",
                    {{"lm_head.weight", stored}, {"model.norm.weight", at::ones({64})}});
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    Checkpoint checkpoint(folder.path(), dtype);
    EXPECT_FALSE(checkpoint.is_mapped({.name = head, .shape = {4096, 64}}));
    EXPECT_EQ(checkpoint.is_mapped({.name = norm, .shape = {64}}), dtype == at::kFloat);
    EXPECT_TRUE(checkpoint.is_mapped({.name = norm, .shape = {64}, .float32 = true}));
    EXPECT_FALSE(checkpoint.is_mapped({.name = router, .shape = {64}}));
    for (int i = 0; i < 2; ++i)  // the file is read again
      EXPECT_TRUE(at::equal(checkpoint.take({.name = head, .shape = {4096, 64}}), stored.to(dtype)));
  }
}

TEST(Checkpoint, every_golden_checkpoint_is_taken_whole) {
  const auto folders = test::golden_checkpoints();
  if (folders.empty()) GTEST_SKIP() << "The golden set has no checkpoint.";
  for (const auto& folder : folders) {
    (void)test::golden_model(folder);
    Checkpoint checkpoint(folder);
    const Network network(checkpoint, ModelConfig::read(folder / "config.json"));
    EXPECT_NO_THROW(checkpoint.finish()) << folder;
    EXPECT_TRUE(checkpoint.not_finite([](double) {}).empty());
  }
}

}  // namespace
}  // namespace medplib::core
