// A session from within: what it keeps between calls, and the way of a request through it.
#pragma once

#include "generate/decoder.h"
#include "generate/draw.h"
#include "generate/sequence.h"
#include "text/prompt.h"
#include "vision/encoded_image.h"
#include "vision/region_cells.h"

#include <medplib/core/session.h>

#include <atomic>
#include <optional>
#include <vector>

namespace medplib::core {

struct Session::State {
  State(Model given, const SessionOptions& given_options);

  const LoadedModel& loaded() const { return *model.loaded(); }

  // A region that a request points at.
  struct PointedAt {
    std::size_t image = 0;  // of the session's
    at::Tensor cells;       // (grid, grid) uint8, ≠ 0 inside
  };

  // What one verb asks for.
  struct Request {
    std::vector<PromptTurn> turns;   // the last one is to be answered
    std::vector<PointedAt> regions;  // what the turns' region parts name
    std::vector<std::string> warnings;
    std::string label;              // of the masks
    std::size_t drawn_on = 0;       // the image that the masks are of
    bool asks_for_mask = false;     // segment: an answer without a mask tells the presence all the same
    bool reuse_everything = false;  // chat: go on behind all that is the same, not the prefix alone
  };
  // A request of one turn, and one with a turn more than `before`. Errors: InvalidArgument.
  Request request_for(const std::string& question, const AskOptions& options) const;
  Request with_turn(Request before, const std::string& question, const AskOptions& options) const;
  Answer answer(const Request& request, const AskOptions& options);
  Answer ask(const std::string& question, const AskOptions& options);
  Answer segment(const std::string& phrase, const AskOptions& options);
  Trace trace(const std::string& question, const AskOptions& options);
  void set_images(std::vector<Image> given);
  void need_image(const char* verb) const;
  void need_clicks() const;
  void need_segmenting_in_regions() const;

  SmallRegion small_regions() const {
    return options.compat == Compat::Reference ? SmallRegion::Nothing : SmallRegion::CentroidCell;
  }

  Model model;
  SessionOptions options;
  Interrupt interrupt;
  std::atomic<bool> busy = false;
  Sequence sequence;
  std::vector<EncodedImage> images;
  // The chat so far: answered turns and their regions.
  Request chat;

 private:
  Prompt prompt_of(const Request& request) const;
  std::vector<Slot> slots_of(const Prompt& prompt, const Request& request) const;
  double encoding_time() const;
  template <class Work>
  auto timed(double& spent, Timing& timing, const Work& work);
  void put(Answer& answer, Generated generated, const Request& request, const AskOptions& options) const;
  // Of the prompt and of the tokens that answer it.
  std::vector<TokenKind> kinds_of_rows(const std::vector<Slot>& slots,
                                       const std::vector<TokenId>& answer) const;
  // Fills the cache with the prompt; the state of its last row (C).
  at::Tensor prefill(const std::vector<Slot>& slots, const Request& request, Timing& timing);
  at::Tensor embeddings(std::span<const Slot> slots, const Request& request);  // (rows, C)
  std::vector<std::string> pieces_of(const std::vector<Slot>& slots) const;
  std::vector<Mask> draw(const Generated& generated, const Request& request, const AskOptions& options,
                         Answer& answer);
};

}  // namespace medplib::core
