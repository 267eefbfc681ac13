#include "base/files.h"
#include "text/goldens.h"
#include "text/tokenizer.h"

#include <medplib/core/error.h>

#include <gmock/gmock.h>

#include <random>

namespace medplib::core::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

void expect_goldens_of(const std::string& name) {
  const Tokenizer tokenizer = Tokenizer::load(*tokenizer_folder(name));
  const Json golden = read_json(medplib::test::golden("tokenizer/tokenizer.json"));
  const Json& expected = golden.at(name);
  ASSERT_FALSE(golden.at("strings").empty());
  EXPECT_EQ(tokenizer.vocabulary_size(), expected.at("vocab_size"));
  for (const auto& [token, id] : expected.at("added_tokens").items())
    EXPECT_EQ(tokenizer.added(token), id) << token;
  for (std::size_t i = 0; i < golden.at("strings").size(); ++i) {
    const auto text = golden.at("strings")[i].get<std::string>();
    std::vector<TokenId> ids = tokenizer.encode(text);
    ids.insert(ids.begin(), tokenizer.bos());
    EXPECT_EQ(ids, ids_of(expected.at("ids_with_bos")[i])) << text;
    EXPECT_EQ(tokenizer.decode(ids), expected.at("decoded_skip_special")[i]) << text;
  }
}

TEST(Tokenizer, every_golden_string_has_the_published_ids_and_text) { expect_goldens_of("tiny"); }

TEST(Tokenizer, every_golden_string_has_the_published_ids_and_text_with_llamas_vocabulary) {
  if (!tokenizer_folder("llama")) GTEST_SKIP() << kNoLlama;
  expect_goldens_of("llama");
}

TEST(Tokenizer, untrusted_text_holds_no_special_or_added_token) {
  const Tokenizer& tokenizer = tiny_tokenizer();
  const Json golden = read_json(medplib::test::golden("tokenizer/tokenizer.json"));
  for (const auto& string : golden.at("strings")) {
    const auto text = string.get<std::string>();
    const TextPart part{text, false};
    const auto ids = tokenizer.encode(std::span(&part, 1));
    for (const TokenId id : ids) {
      EXPECT_GT(id, 2) << text;
      EXPECT_NE(tokenizer.piece(id).kind, PieceKind::Added) << text;
    }
  }
}

TEST(Tokenizer, parts_are_encoded_as_one_string) {
  const Tokenizer& tokenizer = tiny_tokenizer();
  const TextPart parts[] = {
      {"What is sh", true}, {"own", false}, {"? ASSIST", true}, {"", false}, {"ANT:", true}};
  EXPECT_EQ(tokenizer.encode(parts), tokenizer.encode("What is shown? ASSISTANT:"));
  const TextPart halves[] = {{"<SE", true}, {"G>", false}, {"</", false}, {"s>", true}};
  const TextPart plain{"<SEG></s>", false};
  EXPECT_EQ(tokenizer.encode(halves), tokenizer.encode(std::span(&plain, 1)));
}

TEST(Tokenizer, ids_that_stand_for_no_text_are_left_out) {
  const std::vector<TokenId> ids = {
      1, kImagePlaceholder, -1, std::int64_t{1} << 40, tiny_tokenizer().vocabulary_size(), 2};
  EXPECT_EQ(tiny_tokenizer().decode(ids), "");
}

TEST(Tokenizer, an_unknown_added_token_is_not_found) {
  try {
    tiny_tokenizer().added("<nothing>");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::NotFound);
    EXPECT_THAT(error.what(), HasSubstr("<nothing>"));
  }
}

class TokenizerFiles : public TokenizerFolder {
 protected:
  // The message of the error that loading gives.
  std::string refused(ErrorCode code = ErrorCode::Format) {
    try {
      Tokenizer::load(folder_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "loaded";
    return "";
  }

  Json added_tokens() { return read_json(folder_ / "added_tokens.json"); }
  void write_added_tokens(const Json& tokens) { write_file(folder_ / "added_tokens.json", tokens.dump()); }
  std::string model() { return read_file(folder_ / "tokenizer.model"); }
  void write_model(std::string_view bytes) { write_file(folder_ / "tokenizer.model", bytes); }
};

TEST_F(TokenizerFiles, a_missing_model_is_not_found) {
  std::filesystem::remove(folder_ / "tokenizer.model");
  EXPECT_THAT(refused(ErrorCode::NotFound), HasSubstr("tokenizer.model"));
}

TEST_F(TokenizerFiles, all_absent_tokens_are_named_in_one_error) {
  Json tokens = added_tokens();
  tokens.erase("<SEG>");
  tokens.erase("</region>");
  write_added_tokens(tokens);
  const std::string message = refused();
  EXPECT_THAT(message, HasSubstr("<SEG>, </region>"));
  EXPECT_THAT(message, Not(HasSubstr("<im_start>")));
  std::filesystem::remove(folder_ / "added_tokens.json");
  EXPECT_THAT(refused(), HasSubstr("<SEG>, <region>, </region>, <im_start>, <im_end>"));
}

TEST_F(TokenizerFiles, only_the_needed_tokens_must_be_there) {
  Json few;
  for (const char* token : {"<SEG>", "<region>", "</region>", "<im_start>", "<im_end>"})
    few[token] = added_tokens().at(token);
  write_added_tokens(few);
  const Tokenizer tokenizer = Tokenizer::load(folder_);
  for (const auto& [token, id] : few.items()) EXPECT_EQ(tokenizer.added(token), id) << token;
}

TEST_F(TokenizerFiles, ids_also_come_from_the_tokenizer_configuration) {
  const Json tokens = added_tokens();
  Json config = read_json(folder_ / "tokenizer_config.json");
  for (const auto& [token, id] : tokens.items())
    config["added_tokens_decoder"][std::to_string(id.get<int>())] = {{"content", token}, {"special", false}};
  config["added_tokens_decoder"]["0"] = {{"content", "<unk>"}};
  config["added_tokens_decoder"]["2"] = {{"content", "</s>"}};
  std::filesystem::remove(folder_ / "added_tokens.json");
  write_file(folder_ / "tokenizer_config.json", config.dump());
  const Tokenizer tokenizer = Tokenizer::load(folder_);
  for (const auto& [token, id] : tokens.items()) EXPECT_EQ(tokenizer.added(token), id) << token;
}

TEST_F(TokenizerFiles, colliding_ids_are_refused) {
  const Json tokens = added_tokens();
  for (const auto& [token, id] : std::vector<std::pair<std::string, Json>>{{"<x>", tokens.at("<SEG>")},
                                                                           {"<x>", 5},
                                                                           {"<x>", -1},
                                                                           {"<x>", std::int64_t{1} << 40},
                                                                           {"", 5000},
                                                                           {"<0x41>", 5000},
                                                                           {"<x>", "five"},
                                                                           {"<x>", nullptr}}) {
    Json changed = tokens;
    changed[token] = id;
    write_added_tokens(changed);
    refused();
  }
}

TEST_F(TokenizerFiles, damaged_lists_of_added_tokens_are_refused) {
  for (const char* text : {"", "{", "[]", "[1, 2]", "3", "null", "{\"<SEG>\": {}}"}) {
    write_file(folder_ / "added_tokens.json", text);
    refused();
  }
  std::filesystem::remove(folder_ / "added_tokens.json");
  for (const char* text :
       {"{\"added_tokens_decoder\": 3}", "{\"added_tokens_decoder\": {\"-1\": {\"content\": \"a\"}}}",
        "{\"added_tokens_decoder\": {\"600\": {\"content\": 1}}}", "[]",
        "{\"added_tokens_decoder\": {\"600\": 1}}",
        "{\"added_tokens_decoder\": {\"99999999999999999999\": {\"content\": \"a\"}}}"}) {
    write_file(folder_ / "tokenizer_config.json", text);
    refused();
  }
}

TEST_F(TokenizerFiles, a_model_cut_short_anywhere_is_refused_without_a_word_on_stderr) {
  const std::string whole = model();
  testing::internal::CaptureStderr();
  for (std::size_t length = 0; length < whole.size(); length += length < whole.size() - 300 ? 101 : 1) {
    write_model(whole.substr(0, length));
    EXPECT_THAT(refused(), HasSubstr("tokenizer.model")) << length;
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(TokenizerFiles, garbage_in_place_of_the_model_is_refused) {
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i) {
    std::string bytes(1000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    write_model(bytes);
    refused();
  }
}

TEST_F(TokenizerFiles, a_model_with_a_character_map_is_refused) {
  // One more normalizer_spec, whose precompiled_charsmap has a table full of offsets to nowhere.
  const std::string table = std::string("\xFC\x03\0\0", 4) + std::string(0x3FC, '\xEE') + "abcd";
  const std::string spec = "\x12\x84\x08" + table;
  ASSERT_EQ(table.size(), 0x404U);
  write_model(model() + "\x1A\x87\x08" + spec);
  refused();
}

TEST_F(TokenizerFiles, a_model_with_a_changed_byte_loads_or_is_refused) {
  const std::string whole = model();
  std::mt19937 random(2);
  for (int i = 0; i < 300; ++i) {
    std::string bytes = whole;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    write_model(bytes);
    try {
      Tokenizer::load(folder_).encode("Is the lung normal? \u80BA");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Format) << error.what();
    }
  }
}

}  // namespace
}  // namespace medplib::core::test
