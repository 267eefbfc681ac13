// From the last state of a prompt to the end of the answer, token by token.
#pragma once

#include "generate/interrupt.h"
#include "generate/sampler.h"
#include "generate/sequence.h"
#include "model/loaded_model.h"

#include <medplib/core/session.h>

namespace medplib::core {

// A <SEG> of the answer.
struct SegToken {
  at::Tensor state;    // (C): the one that predicted it
  double probability;  // of <SEG> where it was chosen
};

struct Decoded {
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

// `state` (C) is the prompt's last one; at most `most` tokens are generated. Errors: Cancelled, Format, and
// what the callback throws.
Decoded decode(const LoadedModel& model, Sequence& sequence, at::Tensor state, int most,
               const AskOptions& options, const Interrupt& interrupt);

}  // namespace medplib::core
