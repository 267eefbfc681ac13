#include "generate/decoder.h"

#include "base/stopwatch.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <utility>

namespace medplib::core {

namespace {

constexpr double kNearTie = 1e-4;

}  // namespace

Decoder::Decoder(const LoadedModel& model, Sequence& sequence, at::Tensor state, int most,
                 const AskOptions& options)
    : model_(model),
      sequence_(sequence),
      state_(std::move(state)),
      most_(static_cast<std::size_t>(most)),
      on_text_(options.on_text),
      sampler_(options),
      stream_(model.facts.tokenizer),
      seg_(model.facts.tokenizer.added("<SEG>")) {
  generated_.second_to_last = state_;
}

bool Decoder::step(const Interrupt& interrupt) {
  interrupt.check();
  const Language& language = model_.network.language;
  const at::Tensor logits = language.logits(state_).to(at::kCPU, at::kFloat);
  const Choice choice = sampler_.choose(logits);
  if (generated_.tokens.empty()) generated_.first_token = milliseconds_since(start_);
  const double probability = probability_of(seg_, logits);
  generated_.seg_probability = std::max(generated_.seg_probability, probability);
  if (choice.lead < kNearTie) ++generated_.near_ties;
  if (choice.token == model_.facts.tokenizer.eos()) return end(Finish::EndOfText);
  if (choice.token == seg_) generated_.segs.push_back({state_, probability});
  generated_.tokens.push_back(choice.token);
  if (!deliver(stream_.push(choice.token))) return end(Finish::Stopped);
  if (generated_.tokens.size() == most_) return end(Finish::Length);
  const std::array slot = {Slot{.id = choice.token}};
  const at::Tensor embedding = language.embed(at::tensor({choice.token}, at::kLong));
  generated_.second_to_last = state_;
  state_ = sequence_.extend(language, slot, embedding, interrupt.tap())[0];
  return true;
}

Generated Decoder::finish() {
  if (generated_.finish != Finish::Stopped)
    if (const std::string rest = stream_.finish(); !rest.empty()) (void)deliver(rest);
  return std::move(generated_);
}

bool Decoder::end(Finish finish) {
  generated_.finish = finish;
  return false;
}

bool Decoder::deliver(const std::string& piece) {
  generated_.text += piece;
  if (!on_text_) return true;
  const StreamAction action = on_text_({.text = piece,
                                        .token = generated_.tokens.back(),
                                        .index = static_cast<int>(generated_.tokens.size()) - 1});
  if (action == StreamAction::Cancel) fail(ErrorCode::Cancelled, "The answer was cancelled by its callback.");
  return action == StreamAction::Continue;
}

}  // namespace medplib::core
