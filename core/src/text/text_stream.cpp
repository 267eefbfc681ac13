#include "text/text_stream.h"

#include "base/utf8.h"

namespace medplib::core {

std::string TextStream::begin_part() {
  const bool first = !anything_before_;
  anything_before_ = true;
  return first ? "" : " ";
}

std::string TextStream::finish() {
  std::string rest = replace_invalid_utf8(pending_);
  pending_.clear();
  return rest;
}

std::string TextStream::push(TokenId id) {
  const Piece piece = tokenizer_.piece(id);
  if (piece.kind == PieceKind::Silent) return "";
  std::string text;
  if (piece.kind == PieceKind::Added) {
    in_run_ = false;
    text = finish();
    text += begin_part();
    text += piece.text;
    return text;
  }
  if (!in_run_) {
    in_run_ = expects_prefix_ = true;
    text = begin_part();
  }
  if (piece.kind == PieceKind::Byte) {
    pending_ += piece.text;
    const std::size_t decided = complete_utf8_prefix(pending_);
    text += replace_invalid_utf8(std::string_view(pending_).substr(0, decided));
    pending_.erase(0, decided);
  } else {
    text += finish();
    text += piece.text.substr(expects_prefix_ && piece.text.starts_with(' ') ? 1 : 0);
  }
  expects_prefix_ = false;
  return text;
}

}  // namespace medplib::core
