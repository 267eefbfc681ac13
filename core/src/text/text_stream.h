// Text of token ids as they come, cut only at code-point ends.
#pragma once

#include "text/tokenizer.h"

#include <string>

namespace medplib::core {

// All that push and finish return, put together, is Tokenizer::decode of the ids. One thread; the tokenizer
// must outlive it.
class TextStream {
 public:
  explicit TextStream(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  // The text that this id decides; empty while a code point is incomplete.
  std::string push(TokenId id);
  // What was still held back: bytes that form no code point become U+FFFD.
  std::string finish();

 private:
  // Ends the run of pieces or begins one: a space stands between it and what came before.
  std::string begin_part();

  const Tokenizer& tokenizer_;
  std::string pending_;  // bytes of an incomplete code point
  bool in_run_ = false;  // between added tokens
  bool anything_before_ = false;
  bool expects_prefix_ = false;  // the run has no text yet: its first space was put there by encoding
};

}  // namespace medplib::core
