// Session::trace: the prompt and its answer once more, in one pass that tells what happens inside.
#include "generate/session_state.h"

#include <ATen/ATen.h>
#include <opencv2/core.hpp>

namespace medplib::core {

namespace {

// values: (rows, columns), of the type that the matrix is to have.
cv::Mat matrix_of(const at::Tensor& values, at::ScalarType type) {
  const at::Tensor plain = values.to(at::kCPU, type).contiguous();
  return cv::Mat(static_cast<int>(plain.size(0)), static_cast<int>(plain.size(1)),
                 type == at::kFloat ? CV_32FC1 : CV_32SC1, plain.data_ptr())
      .clone();
}

}  // namespace

std::vector<std::string> Session::State::pieces_of(const std::vector<Slot>& slots) const {
  std::vector<std::string> pieces;
  for (const Slot& slot : slots) {
    const std::string piece = slot.id == kImagePlaceholder ? "<image>"
                              : slot.id == kRegionPlaceholder
                                  ? "<region>"
                                  : std::string(loaded().facts.tokenizer.piece(slot.id).text);
    pieces.insert(pieces.end(), static_cast<std::size_t>(slot.rows), piece);
  }
  return pieces;
}

Trace Session::State::trace(const std::string& question, const AskOptions& ask_options) {
  Trace trace;
  const Request request = request_for(question, ask_options);
  trace.answer = answer(request, ask_options);
  std::vector<Slot> slots = slots_of(prompt_of(request), request);
  const TokenId seg = loaded().facts.tokenizer.added("<SEG>");
  int row = trace.answer.timing.prompt_tokens;
  for (const TokenId token : trace.answer.tokens) {
    if (token == seg) trace.segs.push_back(row - 1);
    slots.push_back({.id = token});
    ++row;
  }
  trace.rows = pieces_of(slots);
  std::vector<at::Tensor> attention;
  const LanguageOutput output =
      loaded().network.language.trace(embeddings(slots, request).unsqueeze(0), attention, interrupt.tap());
  for (const at::Tensor& weights : attention) trace.attention.push_back(matrix_of(weights, at::kFloat));
  for (const Routing& routing : output.routings) {
    trace.router.push_back(matrix_of(routing.logits, at::kFloat));
    trace.experts.push_back(matrix_of(routing.experts, at::kInt));
  }
  return trace;
}

}  // namespace medplib::core
