// Decodes token ids one by one into text that is cut only at the ends of code points.
#pragma once

#include "text/tokenizer.h"

#include <string>

namespace medplib::core {

// What push and finish return, joined, is what Tokenizer::decode returns for the ids. One thread; the
// tokenizer must outlive it.
class TextStream {
 public:
  explicit TextStream(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  // Returns the text that this id completes; empty while a code point is incomplete.
  std::string push(TokenId id);
  // Returns what was still held back; bytes that form no code point become U+FFFD.
  std::string finish();

 private:
  // Begins a run of pieces or an added token: returns the space between it and what came before, if any.
  std::string begin_part();

  const Tokenizer& tokenizer_;
  std::string pending_;  // bytes of an incomplete code point
  bool in_run_ = false;  // between added tokens
  bool anything_before_ = false;
  bool expects_prefix_ = false;  // the run has no text yet: its first space was put there by encoding
};

}  // namespace medplib::core
