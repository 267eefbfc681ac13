#include "generate/decode.h"

#include "base/stopwatch.h"
#include "text/text_stream.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

namespace medplib::core {

namespace {

constexpr double kNearTie = 1e-4;

// Gives text to the caller as it comes.
class Teller {
 public:
  Teller(const Tokenizer& tokenizer, const StreamCallback& callback, Decoded& decoded)
      : stream_(tokenizer), callback_(callback), decoded_(decoded) {}

  // Whether to go on.
  bool push(TokenId token) {
    decoded_.tokens.push_back(token);
    return deliver(stream_.push(token));
  }
  // Bytes that never became a code point.
  void finish() {
    const std::string rest = stream_.finish();
    if (!rest.empty()) (void)deliver(rest);
  }

 private:
  bool deliver(const std::string& piece) {
    decoded_.text += piece;
    if (!callback_) return true;
    const StreamAction action = callback_({.text = piece,
                                           .token = decoded_.tokens.back(),
                                           .index = static_cast<int>(decoded_.tokens.size()) - 1});
    if (action == StreamAction::Cancel)
      fail(ErrorCode::Cancelled, "The answer was cancelled by its callback.");
    return action == StreamAction::Continue;
  }

  TextStream stream_;
  const StreamCallback& callback_;
  Decoded& decoded_;
};

}  // namespace

Decoded decode(const LoadedModel& model, Sequence& sequence, at::Tensor state, int most,
               const AskOptions& options, const Interrupt& interrupt) {
  const Language& language = model.network.language;
  const Tokenizer& tokenizer = model.facts.tokenizer;
  const TokenId seg = tokenizer.added("<SEG>");
  Decoded decoded;
  Sampler sampler(options);
  Teller teller(tokenizer, options.on_text, decoded);
  const auto start = std::chrono::steady_clock::now();
  decoded.second_to_last = state;
  for (int index = 0;; ++index) {
    interrupt.check();
    const at::Tensor logits = language.logits(state).to(at::kCPU, at::kFloat);
    const Choice choice = sampler.choose(logits);
    if (index == 0) decoded.first_token = milliseconds_since(start);
    const double probability = probability_of(seg, logits);
    decoded.seg_probability = std::max(decoded.seg_probability, probability);
    if (choice.lead < kNearTie) ++decoded.near_ties;
    if (choice.token == tokenizer.eos()) break;
    if (choice.token == seg) decoded.segs.push_back({state, probability});
    if (!teller.push(choice.token)) {
      decoded.finish = Finish::Stopped;
      return decoded;
    }
    if (index + 1 == most) {
      decoded.finish = Finish::Length;
      break;
    }
    const std::array slot = {Slot{.id = choice.token, .rows = 1, .content = {}}};
    const at::Tensor embedding = language.embed(at::tensor({choice.token}, at::kLong));
    decoded.second_to_last = state;
    state = sequence.extend(language, slot, embedding, interrupt.tap())[0];
  }
  teller.finish();
  return decoded;
}

}  // namespace medplib::core
