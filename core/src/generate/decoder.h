// From the last state of a prompt to the end of the answer, token by token.
#pragma once

#include "generate/interrupt.h"
#include "generate/sampler.h"
#include "generate/sequence.h"
#include "model/loaded_model.h"
#include "text/text_stream.h"

#include <medplib/core/session.h>

#include <chrono>

namespace medplib::core {

// A <SEG> of the answer.
struct SegToken {
  at::Tensor state;    // (C): the one that predicted it
  double probability;  // of <SEG> where it was chosen
};

// What the steps of a decoder made.
struct Generated {
  std::string text;
  std::vector<TokenId> tokens;  // without the end token
  Finish finish = Finish::EndOfText;
  int near_ties = 0;
  std::vector<SegToken> segs;
  double seg_probability = 0;  // the highest over all steps
  at::Tensor
      second_to_last;  // (C): the state that predicted the token before the last one, the end token counted
  double first_token = 0;  // milliseconds from the start of decoding
};

// One answer in the making.
class Decoder {
 public:
  // `state` (C) is the last one of the prompt that `sequence` holds; at most `most` tokens are generated. The
  // arguments outlive it. Errors: InvalidArgument (an option out of its range).
  Decoder(const LoadedModel& model, Sequence& sequence, at::Tensor state, int most,
          const AskOptions& options);

  // Chooses a token, tells it, and runs the language model over it, unless it is the last. Returns whether
  // there is another step. Errors: Cancelled, Format (logits that are not finite), and what the callback
  // throws.
  bool step(const Interrupt& interrupt);

  // What was generated, once step has returned false. Tells bytes that never became a code point.
  Generated finish();

 private:
  // Gives text to the caller. Returns whether to go on.
  bool deliver(const std::string& piece);
  bool end(Finish finish);

  const LoadedModel& model_;
  Sequence& sequence_;
  at::Tensor state_;
  std::size_t most_;
  const StreamCallback& on_text_;
  Sampler sampler_;
  TextStream stream_;
  TokenId seg_;
  Generated generated_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace medplib::core
