#include "base/files.h"
#include "base/paths.h"
#include "model/manifest.h"
#include "support/temporary_folder.h"

#include <medplib/core/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medplib::core {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ErrorCode code_of(const std::string& json) {
  const test::TemporaryFolder folder;
  write_file(folder / "medplib.json", json);
  try {
    read_manifest(folder.path());
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("medplib.json"));
    return error.code();
  }
  return ErrorCode::Internal;
}

TEST(Manifest, a_published_folder_without_one_gets_the_defaults) {
  const test::TemporaryFolder folder;
  const auto manifest = read_manifest(folder.path());
  EXPECT_EQ(manifest.conversation_template, "vicuna_v1");
  EXPECT_EQ(manifest.mask_geometry, MaskGeometry::Reference);
  EXPECT_EQ(manifest.threshold, 0.1);
  EXPECT_TRUE(manifest.refine);
  EXPECT_TRUE(manifest.multimask);
  EXPECT_TRUE(manifest.segment_in_region);
  EXPECT_FALSE(manifest.lower_case_phrases);
  EXPECT_TRUE(manifest.iou_estimate);
  EXPECT_EQ(manifest.segment_template, std::nullopt);
}

TEST(Manifest, comes_back_as_it_was_written) {
  const test::TemporaryFolder folder;
  Manifest written;
  written.name = "tiny";
  written.stage = "IV";
  written.licence = "Apache-2.0";
  written.conversation_template = "llava_v1";
  written.mask_geometry = MaskGeometry::Centered;
  written.threshold = 0.5;
  written.trained_on = {"slake", {{"name", "busi"}, {"images", 12}}};
  written.trained_for = "examples";
  written.segment_template = "Segment {phrase}.";
  written.refine = false;
  written.multimask = false;
  written.segment_in_region = false;
  written.lower_case_phrases = true;
  written.iou_estimate = false;
  written.files = {{"config.json", "00"}};
  write_manifest(folder.path(), written);

  const auto read = read_manifest(folder.path());
  EXPECT_EQ(read.name, written.name);
  EXPECT_EQ(read.stage, written.stage);
  EXPECT_EQ(read.licence, written.licence);
  EXPECT_EQ(read.conversation_template, written.conversation_template);
  EXPECT_EQ(read.mask_geometry, written.mask_geometry);
  EXPECT_EQ(read.threshold, written.threshold);
  EXPECT_EQ(read.trained_on, written.trained_on);
  EXPECT_EQ(read.trained_for, written.trained_for);
  EXPECT_EQ(read.segment_template, written.segment_template);
  EXPECT_EQ(read.describe_template, std::nullopt);
  EXPECT_EQ(read.refine, written.refine);
  EXPECT_EQ(read.multimask, written.multimask);
  EXPECT_EQ(read.segment_in_region, written.segment_in_region);
  EXPECT_EQ(read.iou_estimate, written.iou_estimate);
  EXPECT_EQ(read.lower_case_phrases, written.lower_case_phrases);
  EXPECT_EQ(read.files, written.files);
}

TEST(Manifest, of_another_format_version_is_a_version_error) {
  EXPECT_EQ(code_of(R"({"format_version":2})"), ErrorCode::Version);
  EXPECT_EQ(code_of(R"({"format_version":4294967297})"), ErrorCode::Version);
  EXPECT_EQ(code_of(R"({"format_version":"1"})"), ErrorCode::Format);
  EXPECT_EQ(code_of("{}"), ErrorCode::Format);
}

TEST(Manifest, with_a_value_that_cannot_be_is_refused) {
  for (const char* field :
       {R"("threshold":1.5)", R"("threshold":"x")", R"("mask_geometry":"middle")", R"("refine":1)",
        R"("segment_in_region":"no")", R"("iou_estimate":0)", R"("lower_case_phrases":"yes")",
        R"("trained_on":"slake")", R"("trained_on":[1])", R"("templates":[])", R"("templates":{"segment":1})",
        R"("files":{"a":1})", R"("name":[])"}) {
    EXPECT_EQ(code_of(std::string(R"({"format_version":1,)") + field + "}"), ErrorCode::Format) << field;
  }
  EXPECT_EQ(code_of("[1]"), ErrorCode::Format);
  EXPECT_EQ(code_of("{"), ErrorCode::Format);
}

TEST(Manifest, files_are_verified_by_their_hash) {
  const test::TemporaryFolder folder;
  write_file(folder / "config.json", "{}");
  write_file(folder / "model.safetensors", "weights");
  Manifest manifest;
  manifest.files = hash_files(folder.path());
  ASSERT_EQ(manifest.files.size(), 2u);
  write_manifest(folder.path(), manifest);
  EXPECT_THAT(hash_files(folder.path()), manifest.files) << "the manifest does not hash itself";
  EXPECT_THAT(verify_files(folder.path(), manifest), IsEmpty());

  write_file(folder / "README.md", "a file that no engine reads");
  EXPECT_THAT(verify_files(folder.path(), manifest), IsEmpty());
  write_file(folder / "tokenizer.model", "another's");
  EXPECT_THAT(verify_files(folder.path(), manifest),
              ElementsAre(HasSubstr("tokenizer.model has no SHA-256")));
  fs::remove(folder / "tokenizer.model");

  write_file(folder / "config.json", "{ }");
  fs::remove(folder / "model.safetensors");
  manifest.files["../outside"] = "00";
  EXPECT_THAT(verify_files(folder.path(), manifest),
              ElementsAre(HasSubstr("../outside"), HasSubstr("config.json has the SHA-256"),
                          HasSubstr("does not exist")));
}

TEST(PathInside, keeps_what_a_file_names_under_the_folder) {
  const test::TemporaryFolder folder;
  fs::create_directory(folder / "a");
  fs::create_directory_symlink(folder.path().parent_path(), folder / "out");
  fs::create_symlink("loop", folder / "loop");
  const fs::path root = fs::canonical(folder.path());
  EXPECT_EQ(path_inside(folder.path(), "a/b.png", "x"), root / "a" / "b.png");
  EXPECT_EQ(path_inside(folder.path() / "", "./a", "x"), root / "a");
  for (const char* name : {"", "/etc/passwd", "..", "a/../../b", "a/..", "out/secret", "loop/a"}) {
    EXPECT_THROW(path_inside(folder.path(), name, "x"), Error) << name;
  }
  EXPECT_THROW(path_inside(folder / "a", "../a-sibling", "x"), Error);
  EXPECT_THROW(path_inside(folder.path(), std::string("a\0b", 3), "x"), Error);
}

}  // namespace
}  // namespace medplib::core
