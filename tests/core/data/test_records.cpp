#include "base/files.h"
#include "base/json.h"
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

// Names of SA-Med2D-20M's files, with dots in them, and MeCoVQA's ways to write them.
constexpr const char* kPublished = R"([
  {"image": "images/ct_00--CTSpine1K--1.3.6.4.0115--x_0352", "conversations": [
    {"from": "human", "value": "<image>\nWhat is in <region>masks/ct_00--CTSpine1K--1.3.6.4.0115--x_0352--0002_000.png</region>?"},
    {"from": "gpt", "value": "A vertebra."},
    {"from": "human", "value": "How many are there?"}, {"from": "gpt", "value": 3}]},
  {"id": 17, "image": "images/x_ray--Chest--1.2.276--2d_none.png", "answer_type": "open", "conversations": [
    {"from": "human", "value": "Segment the  lung.\n<image>"},
    {"from": "gpt", "value": "Sure, <SEG>.<mask>masks_merged/x_ray--Chest--1.2.276--2d_none--0001_merged</mask> "}]},
  {"id": "own", "image": "images/x_ray--Chest--1.2.276--2d_none.png", "set": "ours", "modality": "CT", "conversations": [
    {"from": "human", "value": "<image>\nIs this a \"lung\"?"}, {"from": "gpt", "value": "Yes."}]},
  {"id": 123456789012345678901234567890, "image": "images/x_ray--Chest--1.2.276--2d_none.png", "conversations": [
    {"from": "human", "value": "<image>\nHow large is it?"}, {"from": "gpt", "value": 3.10}]}])";

class PublishedRecords : public Records {
 protected:
  PublishedRecords() {
    for (const char* name :
         {"images/ct_00--CTSpine1K--1.3.6.4.0115--x_0352.png", "images/x_ray--Chest--1.2.276--2d_none.png",
          "masks_merged/x_ray--Chest--1.2.276--2d_none--0001_merged.png"}) {
      const auto path = folder_.path() / "SAMed2D_v1" / name;
      std::filesystem::create_directories(path.parent_path());
      write_file(path, "");
    }
  }

  std::vector<ImageRecords> read_in_root(const std::string& json) const {
    write_file(folder_.path() / "train.json", json);
    return read_records(folder_.path() / "train.json", folder_.path() / "SAMed2D_v1");
  }

  // What was read, as a list that can be read again.
  std::string written(const std::vector<ImageRecords>& images) const {
    Json list = Json::array();
    for (const auto& image : images)
      for (const auto& record : image.records) list.push_back(written(image, record));
    return list.dump();
  }

 private:
  static void fill(std::string& text, const std::string& before, const std::string& after,
                   const std::vector<std::filesystem::path>& paths, std::size_t& next) {
    for (std::size_t at = 0; (at = text.find(before, at)) != std::string::npos; at += before.size()) {
      const std::string path = paths.at(next++).string();
      text.insert(at + before.size(), after.empty() ? path : "<mask>" + path + after);
    }
  }

  Json written(const ImageRecords& image, const Record& record) const {
    const auto root = std::filesystem::canonical(folder_.path() / "SAMed2D_v1");
    auto regions = record.regions, masks = record.masks;
    for (auto* paths : {&regions, &masks})
      for (auto& path : *paths) path = path.lexically_relative(root);
    Json turns = Json::array();
    std::size_t region = 0, mask = 0;
    for (auto [question, answer] : record.turns) {
      fill(question, "<region>", "", regions, region);
      fill(answer, "<SEG>", "</mask>", masks, mask);
      turns.push_back({{"from", "human"}, {"value", question}});
      turns.push_back({{"from", "gpt"}, {"value", answer}});
    }
    return {{"id", record.id},
            {"image", image.image.lexically_relative(root).string()},
            {"set", image.set},
            {"modality", image.modality},
            {"kind", image.kind},
            {"task", record.task},
            {"structure", record.structure},
            {"conversations", turns}};
  }
};

TEST_F(PublishedRecords, are_read_as_they_are) {
  const auto images = read_in_root(kPublished);
  ASSERT_EQ(images.size(), 2U);
  EXPECT_EQ(images[0].image.filename(), "ct_00--CTSpine1K--1.3.6.4.0115--x_0352.png");
  EXPECT_EQ(images[0].modality, "CT");
  EXPECT_EQ(images[0].set, "CTSpine1K");
  EXPECT_EQ(images[1].modality, "X-ray");
  EXPECT_EQ(images[1].set, "Chest");
  const Record &turns = images[0].records.at(0), &mask = images[1].records.at(0);
  EXPECT_EQ(turns.id, "0");  // its number
  EXPECT_EQ(turns.turns.at(1).question, "How many are there?");
  EXPECT_EQ(turns.turns.at(1).answer, "3");
  EXPECT_EQ(turns.regions.at(0).filename(), "ct_00--CTSpine1K--1.3.6.4.0115--x_0352--0002_000.png");
  EXPECT_EQ(mask.id, "17");
  EXPECT_EQ(mask.masks.at(0).filename(), "x_ray--Chest--1.2.276--2d_none--0001_merged.png");
  EXPECT_EQ(images[1].records.at(1).id, "own");
  EXPECT_EQ(images[1].records.at(2).id, "123456789012345678901234567890");
  EXPECT_EQ(images[1].records.at(2).turns.at(0).answer, "3.10");
}

TEST_F(PublishedRecords, order_ids_and_text_survive_a_round_trip) {
  const auto images = read_in_root(kPublished);
  const std::string once = written(images);
  const auto again = read_in_root(once);
  EXPECT_EQ(written(again), once);
  ASSERT_EQ(again.size(), images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    ASSERT_EQ(again[i].records.size(), images[i].records.size());
    for (std::size_t j = 0; j < images[i].records.size(); ++j) {
      const Record &before = images[i].records[j], &after = again[i].records[j];
      EXPECT_EQ(after.id, before.id);
      EXPECT_EQ(after.regions, before.regions);
      EXPECT_EQ(after.masks, before.masks);
      ASSERT_EQ(after.turns.size(), before.turns.size());
      for (std::size_t k = 0; k < before.turns.size(); ++k) {
        EXPECT_EQ(after.turns[k].question, before.turns[k].question);
        EXPECT_EQ(after.turns[k].answer, before.turns[k].answer);
      }
    }
  }
}

TEST_F(Records, a_name_of_another_layout_tells_neither_modality_nor_set) {
  for (const char* name : {"ct_scan.png", "x--y.png", "--set--case--x_1.png", "ct_00----case--x_1.png"}) {
    const auto images = read(
        R"([{"image": ")" + std::string(name) +
        R"(", "conversations": [{"from": "human", "value": "<image>\nq"}, {"from": "gpt", "value": "a"}]}])");
    EXPECT_EQ(images.at(0).modality + images.at(0).set, "") << name;
  }
}

TEST_F(Records, tags_that_are_not_in_pairs_are_refused) {
  EXPECT_NE(fault_of("<image> q <region>r.png</region></region>", "a").find("2 </region>"),
            std::string::npos);
  EXPECT_NE(fault_of("<image> q </region>r.png<region>", "a").find("not in pairs"), std::string::npos);
  EXPECT_NE(fault_of("<image> q", "<SEG><mask>m.png").find("<mask>"), std::string::npos);
  EXPECT_NE(fault_of("<image> q", "a</mask>").find("</mask>"), std::string::npos);
}

TEST_F(Records, as_many_as_asked_for_lie_evenly_in_the_list) {
  std::string list;
  for (int i = 0; i < 10; ++i)
    list += std::string(i > 0 ? "," : "") + R"({"image": "a.png", "conversations": [)" +
            R"({"from": "human", "value": "<image>\nq"}, {"from": "gpt", "value": "a"}]})";
  write_file(folder_.path() / "train.json", "[" + list + "]");
  const auto images = read_records(folder_.path() / "train.json", {}, 3);
  ASSERT_EQ(images.at(0).records.size(), 3U);
  EXPECT_EQ(images[0].records[0].id, "3");
  EXPECT_EQ(images[0].records[2].id, "9");
}

TEST_F(Records, numbers_for_texts_are_kept_letter_by_letter) {
  for (const std::string number : {"0", "-0", "7", "-7.50", "1e5", "1E+5", "18446744073709551616",
                                   "-9223372036854775809", "0.1000000000000000055"})
    for (const char* space : {"", " ", "\n"}) {
      const auto images = read(
          R"([{"image": "a.png", "conversations": [{"from": "human", "value": "<image>\nq"}, {"value": )" +
          number + space + R"(, "from": "gpt"}], "id":)" + number + space + "}]");
      EXPECT_EQ(images.at(0).records.at(0).id, number);
      EXPECT_EQ(images.at(0).records.at(0).turns.at(0).answer, number);
    }
}

TEST_F(Records, a_record_that_is_not_valid_json_is_refused_with_its_place) {
  const std::string whole =
      R"({"image": "a.png", "conversations": [{"from": "human", "value": "<image>\nq"}, {"from": "gpt", "value": "a"}]})";
  for (const std::string damaged :
       {R"({"image": "\ud83d"})", R"({"image": "\udd00"})", R"({"image" "a.png"})", R"({"a": [1})",
        "{\"a\": \"\xff\"}", R"({"id": 1e999})", "nul", R"({"a": "b" "c"})"}) {
    try {
      read("[" + whole + ",\n" + damaged + ",\n" + whole + "]");
      ADD_FAILURE() << damaged;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Format);
      EXPECT_NE(std::string(error.what()).find("train.json, record 1 (1), line 2 is not valid JSON"),
                std::string::npos)
          << error.what();
    }
  }
}

TEST_F(Records, what_is_no_list_is_refused_with_its_name) {
  for (const char* text : {"{}", "7", "[", "", "[{}", "{\"a\": [1]}"}) {
    try {
      read(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Format);
      EXPECT_NE(std::string(error.what()).find("train.json"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace medplib::core
