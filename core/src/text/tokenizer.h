// Tokenizer: LLaMA's sentencepiece pieces and the added tokens, as HF's slow LlamaTokenizer (legacy) splits them (reference §2, §12).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace medplib::core {

using TokenId = std::int64_t;

// Placeholders in a prompt's ids; they are no vocabulary entries.
inline constexpr TokenId kImagePlaceholder = -200;
inline constexpr TokenId kRegionPlaceholder = -300;
inline constexpr TokenId kIgnoredLabel = -100;

class Tokenizer {
 public:
  // Reads tokenizer.model and added_tokens.json (or tokenizer_config.json's added_tokens_decoder) of a model folder.
  // Errors: NotFound, Format (damaged model, a needed token absent: all absent ones are named).
  static Tokenizer load(const std::filesystem::path& folder);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // Template text: <s>, </s>, <unk> and the added tokens in it become their ids. No BOS is put in front.
  std::vector<TokenId> encode(std::string_view text) const;
  // A user's words: nothing in them becomes a special or added token. Not the same as encode of the parts: white space stays.
  std::vector<TokenId> encode_plain(std::string_view text) const;
  // The text of the ids; runs between added tokens are joined by one space; <s>, </s>, <unk> are left out.
  std::string decode(std::span<const TokenId> ids) const;

  TokenId bos() const { return 1; }
  TokenId eos() const { return 2; }
  TokenId unknown() const { return 0; }
  // The id of an added token by content. Errors: NotFound.
  TokenId added(std::string_view token) const;
  std::int64_t vocabulary_size() const;  // pieces and added tokens
  const std::map<std::string, TokenId, std::less<>>& added_tokens() const;

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace medplib::core
