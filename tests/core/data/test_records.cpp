#include "base/files.h"
#include "data/records.h"
#include "support/temporary_folder.h"

#include <medplib/core/error.h>

#include <gtest/gtest.h>

namespace medplib::core {
namespace {

class Records : public ::testing::Test {
 protected:
  std::vector<ImageRecords> read(const std::string& json) const {
    write_file(folder_.path() / "train.json", json);
    return read_records(folder_.path() / "train.json");
  }

  std::string fault_of(const std::string& question, const std::string& answer,
                       const std::string& image = "a.png") const {
    const std::string json = R"([{"id": "seven", "image": ")" + image +
                             R"(", "conversations": [{"from": "human", "value": ")" + question +
                             R"("}, {"from": "gpt", "value": ")" + answer + R"("}]}])";
    try {
      read(json);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Format);
      return error.what();
    }
    return "";
  }

  test::TemporaryFolder folder_;
};

TEST_F(Records, paths_are_cut_out_and_questions_of_an_image_come_together) {
  const auto images = read(R"([
    {"image": "a.png", "set": "x", "conversations": [{"from": "human", "value": "<image>\nWhat is <region>r.png</region>?"}, {"from": "gpt", "value": "A cell."}]},
    {"image": "b.png", "conversations": [{"from": "human", "value": "<image>\nHm?"}, {"from": "gpt", "value": "Yes."}]},
    {"image": "a.png", "conversations": [{"from": "human", "value": "<image>\nSegment it."}, {"from": "gpt", "value": "Sure <SEG>.<mask>m.png</mask>"}]}])");
  ASSERT_EQ(images.size(), 2U);
  ASSERT_EQ(images[0].records.size(), 2U);
  EXPECT_EQ(images[0].records[0].turns[0].question, "<image>\nWhat is <region></region>?");
  EXPECT_EQ(images[0].records[0].regions.at(0).filename(), "r.png");
  EXPECT_EQ(images[0].records[1].turns[0].answer, "Sure <SEG>.");
  EXPECT_EQ(images[0].records[1].masks.at(0).filename(), "m.png");
}

TEST_F(Records, words_are_trained_as_they_would_be_asked) {
  const auto images = read(R"([{"image": "a.png", "structure": "optic\u00a0disc", "conversations": [
    {"from": "human", "value": "<image>\n What\u00a0is\n the\u200b <region>my  r.png</region>\u3000?\ufeff"},
    {"from": "gpt", "value": " An\u00a0artery\nand a vein. "},
    {"from": "human", "value": " And\there? "}, {"from": "gpt", "value": "Yes."}]}])");
  const Record& record = images.at(0).records.at(0);
  EXPECT_EQ(record.structure, "optic disc");
  EXPECT_EQ(record.turns.at(0).question, "<image>\nWhat is the <region></region> ?");
  EXPECT_EQ(record.turns.at(0).answer, " An\u00a0artery\nand a vein. ");
  EXPECT_EQ(record.turns.at(1).question, "And here?");
  EXPECT_EQ(record.regions.at(0).filename(), "my  r.png");
}

TEST_F(Records, a_file_with_a_nul_byte_in_its_name_is_refused) {
  EXPECT_NE(fault_of("<image> q", "a", "a.png\\u0000x").find("a.png"), std::string::npos);
  EXPECT_NE(fault_of("<image> <region>r.png\\u0000x</region>", "a").find("r.png"), std::string::npos);
}

TEST_F(Records, faults_name_the_record) {
  EXPECT_NE(fault_of("<image> q", "Sure.<mask>m.png</mask>").find("seven"), std::string::npos);
  EXPECT_NE(fault_of("<image> q", "Sure <SEG>.").find("0 <mask>"), std::string::npos);
  EXPECT_NE(fault_of("<image> q", "a", "../a.png").find("a.png"), std::string::npos);
  EXPECT_NE(fault_of("<image> q", "a", "/etc/a.png").find("/etc/a.png"), std::string::npos);
  EXPECT_NE(fault_of("<image> q <region>r.png", "a").find("</region>"), std::string::npos);
}

}  // namespace
}  // namespace medplib::core
