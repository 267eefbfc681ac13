// Loading, telling and verifying model folders.
#include "model/device.h"
#include "model/manifest.h"
#include "nn/network.h"
#include "support/golden_session.h"
#include "weights/names.h"
#include "weights/sources.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>

namespace medplib::test {

using core::ErrorCode;
using core::Model;

class ModelTest : public testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override { (void)golden_model(GetParam()); }
};

// Writes the weights of one folder into another.
void store_again(const std::filesystem::path& from, const std::filesystem::path& to, core::Storage storage) {
  core::Checkpoint checkpoint(from);
  core::ParameterShapes shapes;
  const core::Network network(shapes, core::ModelConfig::read(from / "config.json"));
  core::NamedTensors all;
  for (const core::ParameterSpec& spec : shapes.all()) all.emplace_back(spec.name, checkpoint.take(spec));
  core::save_checkpoint(to, all, storage);
}

TEST_P(ModelTest, inspect_tells_what_loading_finds) {
  const core::ModelInfo info = core::inspect(GetParam());
  const Model model = Model::load(GetParam(), {.device = "cpu"});
  EXPECT_EQ(model.info().parameters, info.parameters);
  EXPECT_EQ(model.device(), "cpu");
  std::int64_t sum = 0;
  for (const core::PartInfo& part : info.parts) sum += part.parameters;
  EXPECT_EQ(sum, info.parameters);
  EXPECT_GT(info.read_per_token, 0);
  EXPECT_LT(info.read_per_token, info.parts.front().parameters);
  EXPECT_GT(info.memory.total(), 4 * info.parameters);
  EXPECT_EQ(info.memory.total(), info.memory.mapped + info.memory.resident());
  const core::MemoryInfo half = core::inspect(GetParam(), core::Precision::BFloat16).memory;
  EXPECT_LT(half.total(), info.memory.total());
  EXPECT_EQ(info.mask_geometry, "reference");
  EXPECT_NE(info.storage.find("float32"), std::string::npos) << info.storage;
}

TEST_P(ModelTest, a_sound_folder_verifies) {
  EXPECT_THAT(core::verify(GetParam()).problems, testing::IsEmpty());
}

TEST_P(ModelTest, a_configuration_that_does_not_fit_the_weights_is_one_error_that_lists_them) {
  const FolderCopy folder(GetParam());
  core::Json config = core::read_json(GetParam() / "config.json");
  config["intermediate_size"] = config["intermediate_size"].get<int>() + 2;
  folder.replace("config.json", config);
  const Thrown thrown = thrown_by([&] { (void)Model::load(folder.path(), {.device = "cpu"}); });
  EXPECT_EQ(thrown.code, ErrorCode::Format);
  EXPECT_NE(thrown.sentence.find("gate_proj"), std::string::npos) << thrown.sentence;
  EXPECT_LE(thrown.sentence.size(), core::kLongestMessage);
  EXPECT_FALSE(core::verify(folder.path()).problems.empty());
}

TEST_P(ModelTest, a_vocabulary_smaller_than_the_tokenizer_is_refused) {
  const FolderCopy folder(GetParam());
  core::Json config = core::read_json(GetParam() / "config.json");
  config["vocab_size"] = 300;
  folder.replace("config.json", config);
  const Thrown thrown = thrown_by([&] { (void)Model::load(folder.path(), {.device = "cpu"}); });
  EXPECT_EQ(thrown.code, ErrorCode::Format);
  EXPECT_NE(thrown.sentence.find("vocab_size"), std::string::npos) << thrown.sentence;
}

TEST_P(ModelTest, a_file_with_another_hash_does_not_verify) {
  const FolderCopy folder(GetParam());
  auto hashes = core::hash_files(folder.path());
  hashes["config.json"] = std::string(64, '0');
  folder.replace("medplib.json", {{"format_version", 1}, {"files", hashes}});
  const auto problems = core::verify(folder.path()).problems;
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_NE(problems.front().find("config.json"), std::string::npos) << problems.front();
}

TEST_P(ModelTest, verifying_can_be_stopped_between_any_two_files_or_tensors) {
  int calls = 0;
  (void)core::verify(GetParam(), [&](double) { ++calls; });
  EXPECT_GT(calls, 100);
  for (int last : {1, calls / 2, calls}) {
    const auto stop = [&](double) {
      if (--last == 0) core::fail(ErrorCode::Cancelled, "Enough.");
    };
    EXPECT_EQ(thrown_by([&] { (void)core::verify(GetParam(), stop); }).code, ErrorCode::Cancelled);
    EXPECT_EQ(last, 0);
  }
}

TEST_P(ModelTest, loading_tells_its_progress_and_can_be_stopped) {
  double last = 0;
  (void)Model::load(GetParam(), {.device = "cpu", .progress = [&](double part) {
                                   EXPECT_GE(part, last);
                                   last = part;
                                   return true;
                                 }});
  EXPECT_EQ(last, 1);
  const auto stopped = [&] {
    (void)Model::load(GetParam(), {.device = "cpu", .progress = [](double) { return false; }});
  };
  EXPECT_EQ(thrown_by(stopped).code, ErrorCode::Cancelled);
}

TEST_P(ModelTest, what_is_stored_as_it_is_computed_is_mapped_and_what_is_converted_must_stay) {
  const FolderCopy folder(GetParam());
  core::ParameterShapes shapes;
  const core::Network network(shapes, core::ModelConfig::read(GetParam() / "config.json"));
  for (const auto storage : {core::Storage::Float32, core::Storage::BFloat16}) {
    store_again(GetParam(), folder.path(), storage);
    std::map<std::string, c10::ScalarType> stored;
    for (const core::TensorSummary& tensor : core::Checkpoint(folder.path()).tensors())
      stored[tensor.name] = tensor.dtype;
    for (const auto precision : {core::Precision::Float32, core::Precision::BFloat16}) {
      std::int64_t mapped = 0, converted = 0;
      for (const core::ParameterSpec& spec : shapes.all()) {
        const auto computed =
            spec.float32 || precision == core::Precision::Float32 ? at::kFloat : at::kBFloat16;
        const bool same = stored.at(core::published_name(spec.name)) == computed;
        (same ? mapped : converted) += c10::multiply_integers(spec.shape) * (computed == at::kFloat ? 4 : 2);
      }
      const core::MemoryInfo memory = core::inspect(folder.path(), precision).memory;
      EXPECT_EQ(memory.mapped, mapped);
      EXPECT_EQ(memory.weights, converted);
      EXPECT_GT(mapped, 0);  // what stays float32 is stored so
    }
  }
}

TEST_P(ModelTest, verify_tells_what_it_read) {
  const FolderCopy folder(GetParam());
  std::ofstream(folder.path() / "pytorch_model.bin") << "twin";
  double last = 0;
  const core::WeightsInfo read = core::verify(folder.path(), [&](double part) {
                                   EXPECT_GE(part, last);
                                   EXPECT_LE(part, 1);
                                   last = part;
                                 }).read;
  EXPECT_GT(last, 0.5);
  EXPECT_EQ(read.tensors, std::ssize(core::Checkpoint(folder.path()).tensors()));
  EXPECT_GT(read.bytes, 0);
  EXPECT_THAT(read.left_alone, testing::ElementsAre("pytorch_model.bin"));
  EXPECT_THAT(core::words_of(read), testing::AllOf(testing::HasSubstr("tensors"), testing::HasSubstr("MB"),
                                                   testing::HasSubstr(read.files.front())));
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, ModelTest, testing::ValuesIn(golden_checkpoints()),
                         [](const auto& info) { return info.param.filename().string(); });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ModelTest);

TEST(Model, a_folder_that_is_not_there_is_not_found) {
  EXPECT_EQ(thrown_by([] { (void)Model::load("/no/such/model"); }).code, ErrorCode::NotFound);
  EXPECT_EQ(thrown_by([] { (void)core::inspect("/no/such/model"); }).code, ErrorCode::NotFound);
  EXPECT_EQ(thrown_by([] { (void)core::verify("/no/such/model"); }).code, ErrorCode::NotFound);
}

TEST(Model, a_device_that_does_not_exist_is_refused) {
  for (const char* name : {"tpu", "cuda:", "cuda:-1", "cuda:x", "cpu:1", ""})
    EXPECT_EQ(thrown_by([&] { (void)core::open_device(name); }).code, ErrorCode::InvalidArgument) << name;
  EXPECT_EQ(thrown_by([] { (void)core::open_device("cuda:99"); }).code, ErrorCode::Device);
}

TEST(Model, the_embedded_one_is_where_the_environment_says) {
  const TemporaryFolder folder;
  ::setenv("MEDPLIB_MODEL", folder.path().c_str(), 1);
  EXPECT_EQ(core::embedded_model(), folder.path());
  ::setenv("MEDPLIB_MODEL", "/no/such/model", 1);
  EXPECT_EQ(thrown_by([] { (void)core::embedded_model(); }).code, ErrorCode::NotFound);
  ::unsetenv("MEDPLIB_MODEL");
}

}  // namespace medplib::test
