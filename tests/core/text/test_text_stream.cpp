#include "base/utf8.h"
#include "text/goldens.h"
#include "text/text_stream.h"

#include <random>

namespace medplib::core::test {
namespace {

// What TextStream gives for each id, and at the end.
std::vector<std::string> streamed(const Tokenizer& tokenizer, std::span<const TokenId> ids) {
  TextStream stream(tokenizer);
  std::vector<std::string> pieces;
  for (const TokenId id : ids) pieces.push_back(stream.push(id));
  pieces.push_back(stream.finish());
  return pieces;
}

std::string joined(const std::vector<std::string>& pieces) {
  std::string text;
  for (const auto& piece : pieces) text += piece;
  return text;
}

TEST(TextStream, the_pieces_of_every_golden_string_are_its_decoded_text) {
  const Json golden = read_json(medplib::test::golden("tokenizer/tokenizer.json")).at("tiny");
  const Tokenizer tokenizer = Tokenizer::load(*tokenizer_folder("tiny"));
  for (std::size_t i = 0; i < golden.at("ids_with_bos").size(); ++i) {
    const auto pieces = streamed(tokenizer, ids_of(golden.at("ids_with_bos")[i]));
    EXPECT_EQ(joined(pieces), golden.at("decoded_skip_special")[i]);
    EXPECT_EQ(pieces.back(), "");
    for (const auto& piece : pieces) EXPECT_TRUE(is_valid_utf8(piece));
  }
}

TEST(TextStream, a_code_point_comes_when_its_last_byte_is_there) {
  const auto ids = tiny_tokenizer().encode("\U0001F600");
  const auto pieces = streamed(tiny_tokenizer(), ids);
  ASSERT_EQ(ids.size(), 5U);  // the dummy prefix and four bytes
  EXPECT_EQ(pieces, (std::vector<std::string>{"", "", "", "", "\U0001F600", ""}));
}

TEST(TextStream, bytes_that_form_no_code_point_become_replacement_characters) {
  const TokenId first_byte = 3;
  const std::vector<TokenId> cut = {first_byte + 0xE4, first_byte + 0xB8};
  EXPECT_EQ(joined(streamed(tiny_tokenizer(), cut)), "\uFFFD\uFFFD");
  const std::vector<TokenId> interrupted = {first_byte + 0xE4, tiny_tokenizer().added("<SEG>"),
                                            first_byte + 'a'};
  EXPECT_EQ(streamed(tiny_tokenizer(), interrupted),
            (std::vector<std::string>{"", "\uFFFD <SEG>", " a", ""}));
}

TEST(TextStream, random_ids_give_whole_code_points_and_the_decoded_text) {
  const Tokenizer& tokenizer = tiny_tokenizer();
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<TokenId> ids(20);
    for (TokenId& id : ids)
      id = static_cast<TokenId>(random() % static_cast<unsigned>(tokenizer.vocabulary_size() + 3));
    const auto pieces = streamed(tokenizer, ids);
    EXPECT_EQ(joined(pieces), tokenizer.decode(ids));
    for (const auto& piece : pieces) EXPECT_TRUE(is_valid_utf8(piece));
  }
}

}  // namespace
}  // namespace medplib::core::test
