// Tokenizer: LLaMA's sentencepiece pieces and the added tokens, as HF's slow LlamaTokenizer (legacy) splits
// them.
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
// LLaMA's id for padding the shorter sequences of a batch; its embedding isn't trained.
inline constexpr TokenId kPadding = 0;

// A part of a text. In a trusted one <s>, </s>, <unk> and the added tokens become their ids; in the
// others, which hold a user's words, they are ordinary text. Neighbouring parts are encoded as if they
// were one string.
struct TextPart {
  std::string_view text;
  bool trusted = true;
};

// What one id adds to decoded text.
enum class PieceKind {
  Text,   // `text` as it is; a leading space may be the one that encoding put there
  Byte,   // `text` is one byte of a code point
  Added,  // an added token: `text` is its name
  Silent  // <s>, </s>, <unk>, placeholders and ids without an entry: nothing
};
struct Piece {
  PieceKind kind = PieceKind::Silent;
  std::string_view text;
};

// Immutable after loading; every function is thread-safe.
class Tokenizer {
 public:
  // Reads tokenizer.model and added_tokens.json (or tokenizer_config.json's added_tokens_decoder) of a model
  // folder. Errors: NotFound, Io, Format (damaged model, colliding ids, a needed token absent: all absent
  // ones are named).
  static Tokenizer load(const std::filesystem::path& folder);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // Returns the ids, without BOS. White space on both sides of an added token is dropped.
  std::vector<TokenId> encode(std::span<const TextPart> parts) const;
  std::vector<TokenId> encode(std::string_view trusted_text) const;
  // Returns the text of the ids; runs between added tokens and the added tokens are joined by one space.
  std::string decode(std::span<const TokenId> ids) const;
  Piece piece(TokenId id) const;

  TokenId bos() const { return 1; }
  TokenId eos() const { return 2; }
  TokenId unknown() const { return 0; }
  // Returns the id of an added token by content. Errors: NotFound.
  TokenId added(std::string_view token) const;
  // Highest id + 1: the rows that an embedding needs.
  std::int64_t vocabulary_size() const;

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace medplib::core
