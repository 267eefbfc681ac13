#include "text/tokenizer.h"

#include "base/files.h"
#include "base/json.h"
#include "base/utf8.h"
#include "text/text_stream.h"

#include <medplib/core/error.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <optional>
#include <sentencepiece_processor.h>
#include <utility>

// Exported by the library but declared in none of its headers; without this call it writes to stderr.
namespace sentencepiece::logging {
void SetMinLogLevel(int level);
}

namespace medplib::core {
namespace fs = std::filesystem;

namespace {

using AddedTokens = std::map<std::string, TokenId, std::less<>>;

constexpr std::array kNeededTokens = {"<SEG>", "<region>", "</region>", "<im_start>", "<im_end>"};
constexpr std::array kSpecialTokens = {"<unk>", "<s>", "</s>"};  // ids 0, 1, 2

std::string spaces_for_marks(std::string_view piece) {
  constexpr std::string_view mark = "\u2581";
  std::string text;
  for (std::size_t at = piece.find(mark); at != std::string_view::npos; at = piece.find(mark)) {
    text += piece.substr(0, at);
    text += ' ';
    piece.remove_prefix(at + mark.size());
  }
  return text.append(piece);
}

// Removes a protobuf varint from the front of `bytes` and returns it; nothing when there is none.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 10 && i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    value |= std::uint64_t{byte & 0x7FU} << (7 * i);
    if (byte >= 0x80) continue;
    bytes.remove_prefix(i + 1);
    return value;
  }
  return std::nullopt;
}

// Returns the contents of all fields of this number in a protobuf message; nothing when the message is not
// well-formed.
std::optional<std::vector<std::string_view>> message_fields(std::string_view bytes, std::uint64_t number) {
  constexpr std::uint64_t eight_bytes = 1;
  constexpr std::uint64_t with_length = 2;
  constexpr std::uint64_t four_bytes = 5;
  std::vector<std::string_view> found;
  while (!bytes.empty()) {
    const auto tag = take_varint(bytes);
    if (!tag || *tag > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    std::uint64_t length = 0;
    const std::uint64_t type = *tag & 7;
    if (type == 0 || type == with_length) {
      const auto value = take_varint(bytes);
      if (!value) return std::nullopt;
      if (type == with_length) length = *value;
    } else if (type == eight_bytes || type == four_bytes) {
      length = type == eight_bytes ? 8 : 4;
    } else {
      return std::nullopt;
    }
    if (length > bytes.size()) return std::nullopt;
    if (type == with_length && *tag >> 3 == number) found.push_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  return found;
}

// sentencepiece's protobuf ends the process when an allocation fails. So what it may need, one piece per
// byte, is allocated and freed first. Errors: bad_alloc.
void see_that_there_is_room_for(std::size_t text_bytes) {
  constexpr std::size_t piece = 256, rest = 65536;
  ::operator delete(::operator new(rest + piece * text_bytes));
}

// sentencepiece uses the offsets in a character map unchecked. LLaMA's models have no such map, so a model
// with one is refused.
bool is_safe_to_load(std::string_view model) {
  constexpr std::uint64_t normalizer = 3;
  constexpr std::uint64_t denormalizer = 5;
  constexpr std::uint64_t character_map = 2;
  for (const std::uint64_t number : {normalizer, denormalizer}) {
    const auto specs = message_fields(model, number);
    if (!specs) return false;
    for (const std::string_view spec : *specs) {
      const auto maps = message_fields(spec, character_map);
      if (!maps || std::any_of(maps->begin(), maps->end(), [](auto map) { return !map.empty(); }))
        return false;
    }
  }
  return !model.empty();
}

AddedTokens read_added_tokens(const fs::path& folder) {
  AddedTokens tokens;
  const fs::path list = folder / "added_tokens.json";
  if (fs::exists(list)) {
    const Json json = read_json(list);
    for (const auto& [token, ignored] : json.items())
      tokens[token] = required<TokenId>(json, token.c_str(), list.string());
    return tokens;
  }
  const fs::path config = folder / "tokenizer_config.json";
  if (!fs::exists(config)) return tokens;
  const Json decoder =
      optional_or<Json>(read_json(config), "added_tokens_decoder", Json::object(), config.string());
  for (const auto& [id, entry] : decoder.items()) {
    if (id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != std::string::npos)
      fail(ErrorCode::Format, config, ": added_tokens_decoder has the id \"", id,
           "\", which is not a number.");
    tokens[required<std::string>(entry, "content", config.string())] = std::stoll(id);
  }
  return tokens;
}

}  // namespace

struct Tokenizer::State {
  sentencepiece::SentencePieceProcessor model;
  std::vector<std::pair<PieceKind, std::string>> pieces;  // by id, as text
  AddedTokens added;
  std::map<TokenId, std::string_view> added_by_id;
  std::vector<std::pair<std::string, TokenId>> parsed;  // special and added tokens, the longest first

  void load_model(const fs::path& path);
  void take_added_tokens(const AddedTokens& tokens, const fs::path& folder);
  void check_needed_tokens(const fs::path& folder) const;
  std::pair<std::size_t, const std::pair<std::string, TokenId>*> next_token(std::string_view text) const;
  void append_run(std::string_view text, std::vector<TokenId>& ids) const;
};

void Tokenizer::State::load_model(const fs::path& path) {
  constexpr std::uint64_t largest = std::uint64_t{1} << 26;
  const std::string bytes = read_file(path, largest);
  constexpr int fatal_only = 3;
  sentencepiece::logging::SetMinLogLevel(fatal_only);
  if (!is_safe_to_load(bytes) || !model.LoadFromSerializedProto(bytes).ok())
    fail(ErrorCode::Format, path,
         " is not a sentencepiece model of LLaMA's kind, or it is damaged. Copy it again.");
  for (int id = 0; id < model.GetPieceSize(); ++id) {
    const std::string& piece = model.IdToPiece(id);
    if (!is_valid_utf8(piece))
      fail(ErrorCode::Format, path, ": piece ", id, " is not valid UTF-8. Copy the file again.");
    if (model.IsByte(id))
      pieces.emplace_back(PieceKind::Byte,
                          std::string(1, static_cast<char>(std::stoi(piece.substr(3, 2), nullptr, 16))));
    else if (model.IsControl(id) || model.IsUnknown(id))
      pieces.emplace_back(PieceKind::Silent, "");
    else
      pieces.emplace_back(PieceKind::Text, spaces_for_marks(piece));
  }
  for (std::size_t id = 0; id < kSpecialTokens.size(); ++id) {
    if (id >= pieces.size() || pieces[id].first != PieceKind::Silent ||
        model.IdToPiece(static_cast<int>(id)) != kSpecialTokens[id])
      fail(ErrorCode::Format, path, " is not LLaMA's kind of model: its piece ", id, " should be ",
           kSpecialTokens[id], ".");
    parsed.emplace_back(kSpecialTokens[id], static_cast<TokenId>(id));
  }
}

void Tokenizer::State::take_added_tokens(const AddedTokens& tokens, const fs::path& folder) {
  const auto piece_count = static_cast<TokenId>(pieces.size());
  for (const auto& [token, id] : tokens) {
    const bool is_a_piece = id >= 0 && id < piece_count && model.IdToPiece(static_cast<int>(id)) == token;
    if (is_a_piece && id < static_cast<TokenId>(kSpecialTokens.size())) continue;
    if (id < piece_count || id > std::numeric_limits<std::int32_t>::max() || token.empty() ||
        model.PieceToId(token) != model.unk_id())
      fail(ErrorCode::Format, "The added token \"", token, "\" of ", folder, " with id ", id,
           " collides with the ", piece_count, " pieces of tokenizer.model. Take both files from one model.");
    const auto [at, is_new] = added.emplace(token, id);
    if (const auto [other, unique] = added_by_id.emplace(id, at->first); !unique)
      fail(ErrorCode::Format, "The added tokens \"", other->second, "\" and \"", token, "\" of ", folder,
           " have the same id ", id, ".");
    parsed.emplace_back(token, id);
  }
  std::stable_sort(parsed.begin(), parsed.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

void Tokenizer::State::check_needed_tokens(const fs::path& folder) const {
  std::string absent;
  for (const char* token : kNeededTokens)
    if (!added.contains(std::string_view(token))) absent += text_of(absent.empty() ? "" : ", ", token);
  if (!absent.empty())
    fail(ErrorCode::Format, "The tokenizer of ", folder, " lacks the added tokens ", absent,
         ". They belong in its added_tokens.json.");
}

// Returns where the leftmost, longest special or added token of `text` begins, and which it is; null if none.
std::pair<std::size_t, const std::pair<std::string, TokenId>*> Tokenizer::State::next_token(
    std::string_view text) const {
  for (std::size_t at = 0; at < text.size(); ++at)
    for (const auto& entry : parsed)
      if (text.substr(at).starts_with(entry.first)) return {at, &entry};
  return {text.size(), nullptr};
}

void Tokenizer::State::append_run(std::string_view text, std::vector<TokenId>& ids) const {
  if (text.empty()) return;
  std::vector<int> run;
  see_that_there_is_room_for(text.size());
  if (const auto status = model.Encode(text, &run); !status.ok())
    fail(ErrorCode::Internal, "sentencepiece could not encode a text: ", status.message(), ".");
  ids.insert(ids.end(), run.begin(), run.end());
}

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::load(const fs::path& folder) {
  auto state = std::make_unique<State>();
  state->load_model(folder / "tokenizer.model");
  state->take_added_tokens(read_added_tokens(folder), folder);
  state->check_needed_tokens(folder);
  Tokenizer tokenizer(std::move(state));
  // A truncated file can still be a readable model, and other kinds of model rewrite or lose text.
  const std::string probe = " a  \n\x01 b\u00e9";
  const TextPart part{probe, false};
  if (tokenizer.decode(tokenizer.encode(std::span(&part, 1))) != probe)
    fail(ErrorCode::Format, folder / "tokenizer.model",
         " is damaged or not LLaMA's kind of model (byte fallback, white space kept). Copy it again.");
  return tokenizer;
}

std::vector<TokenId> Tokenizer::encode(std::span<const TextPart> parts) const {
  std::vector<TokenId> ids;
  std::string run;
  bool after_added = false;
  const auto end_run = [&](bool before_added) {
    std::string_view text = run;
    if (after_added) text = strip_left(text);
    if (before_added) text = strip_right(text);
    state_->append_run(text, ids);
    run.clear();
    after_added = before_added;
  };
  for (TextPart part : parts) {
    while (part.trusted) {
      const auto [at, token] = state_->next_token(part.text);
      if (token == nullptr) break;
      run += part.text.substr(0, at);
      end_run(token->second >= static_cast<TokenId>(kSpecialTokens.size()));
      ids.push_back(token->second);
      part.text.remove_prefix(at + token->first.size());
    }
    run += part.text;
  }
  end_run(false);
  return ids;
}

std::vector<TokenId> Tokenizer::encode(std::string_view trusted_text) const {
  const TextPart part{trusted_text, true};
  return encode(std::span(&part, 1));
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  TextStream stream(*this);
  std::string text;
  for (const TokenId id : ids) text += stream.push(id);
  return text + stream.finish();
}

Piece Tokenizer::piece(TokenId id) const {
  if (id >= 0 && id < static_cast<TokenId>(state_->pieces.size())) {
    const auto& [kind, text] = state_->pieces[static_cast<std::size_t>(id)];
    return {kind, text};
  }
  const auto at = state_->added_by_id.find(id);
  return at == state_->added_by_id.end() ? Piece{} : Piece{PieceKind::Added, at->second};
}

TokenId Tokenizer::added(std::string_view token) const {
  const auto at = state_->added.find(token);
  if (at == state_->added.end()) fail(ErrorCode::NotFound, "The tokenizer has no added token ", token, ".");
  return at->second;
}

std::int64_t Tokenizer::vocabulary_size() const { return state_->added_by_id.rbegin()->first + 1; }

}  // namespace medplib::core
