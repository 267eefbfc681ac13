// A session from within: what it keeps between calls, and the way of a request through it.
#pragma once

#include "generate/decode.h"
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

  // What one verb asks for.
  struct Request {
    std::vector<Turn> turns;                         // the last one is to be answered
    std::vector<std::vector<std::string>> contents;  // of the regions of each turn: what tells them apart
    std::vector<at::Tensor> cells;                   // of all regions, in order
    std::vector<std::string> warnings;
    std::string label;              // of the masks
    bool reuse_everything = false;  // chat: go on behind all that is the same, not the prefix alone
  };
  Request request_for(const std::string& question, const AskOptions& options);
  Answer answer(const Request& request, const AskOptions& options);
  Answer ask(const std::string& question, const AskOptions& options);
  Answer segment(const std::string& phrase, const AskOptions& options);
  Trace trace(const std::string& question, const AskOptions& options);
  void set_images(std::vector<Image> given);
  void need_image(const char* verb) const;
  void need_clicks() const;

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
  std::vector<Slot> slots_of(const Prompt& prompt, const Request& request) const;
  std::size_t prefix_of(const std::vector<Slot>& slots) const;
  Prompt prompt_of(const Request& request) const;
  double encoding_time() const;
  template <class Work>
  auto timed(double& spent, Timing& timing, const Work& work);
  void take(Answer& answer, Decoded decoded, const AskOptions& options) const;
  // Fills the cache with the prompt; the state of its last row (C).
  at::Tensor prefill(const std::vector<Slot>& slots, const Request& request, Timing& timing);
  // (rows, C), of an image and a region the n-th.
  at::Tensor embeddings(std::span<const Slot> slots, std::size_t first_image, std::size_t first_region,
                        const Request& request);
  at::Tensor run(std::span<const Slot> slots, std::size_t first_image, std::size_t first_region,
                 const Request& request);
  std::vector<std::string> pieces_of(const std::vector<Slot>& slots) const;
  std::vector<Mask> draw(const Decoded& decoded, const Request& request, const AskOptions& options,
                         Answer& answer);
};

}  // namespace medplib::core
