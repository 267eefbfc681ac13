#include "generate/process.h"
#include "generate/session_state.h"

#include <medplib/core/error.h>
#include <medplib/core/session.h>

#include <c10/core/InferenceMode.h>

namespace medplib::core {

namespace {

// One call at a time, in this process, without gradients; a cancel that came before it is forgotten.
class Call {
 public:
  Call(std::atomic<bool>& busy, Interrupt& interrupt) : busy_(busy) {
    check_not_forked();
    if (busy_.exchange(true))
      fail(ErrorCode::State,
           "This session is answering already. Don't call it from its own callback or from two "
           "threads; open another session on the model.");
    interrupt.forget();
  }
  ~Call() { busy_.store(false); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  std::atomic<bool>& busy_;
  c10::InferenceMode inference_;
};

}  // namespace

Session::Session(Model model, const SessionOptions& options) {
  check_not_forked();
  state_ = std::make_unique<State>(std::move(model), options);
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

void Session::set_image(Image image) {
  std::vector<Image> images;
  images.push_back(std::move(image));
  set_images(std::move(images));
}

void Session::set_images(std::vector<Image> images) {
  const Call call(state_->busy, state_->interrupt);
  state_->set_images(std::move(images));
}

Answer Session::ask(const std::string& question, const AskOptions& options) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("ask about");
  Answer answer = state_->answer(state_->request_for(question, options), options);
  answer.presence.reset();
  return answer;
}

Answer Session::segment(const std::string& phrase, const AskOptions& options) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("segment");
  const std::string& wording = state_->loaded().facts.verbs.segment;
  State::Request request = state_->request_for(fill_phrase(wording, phrase), options);
  request.label = phrase;
  Answer answer = state_->answer(request, options);
  if (!answer.masks.empty()) answer.presence.reset();
  return answer;
}

Answer Session::describe(const Region& region, const AskOptions& options) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("describe");
  AskOptions with_region = options;
  with_region.regions.insert(with_region.regions.begin(), region);
  const std::string& wording = state_->loaded().facts.verbs.describe;
  Answer answer = state_->answer(state_->request_for(wording, with_region), with_region);
  answer.presence.reset();
  return answer;
}

Answer Session::chat(const std::string& message, const AskOptions& options) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("chat about");
  State::Request fresh = state_->request_for(message, options);
  State::Request request = state_->chat;
  std::ranges::move(fresh.turns, std::back_inserter(request.turns));
  std::ranges::move(fresh.contents, std::back_inserter(request.contents));
  std::ranges::move(fresh.cells, std::back_inserter(request.cells));
  request.warnings = std::move(fresh.warnings);
  request.reuse_everything = true;
  Answer answer = state_->answer(request, options);
  answer.presence.reset();
  // An answer without a word is not part of a conversation: the template has no place for it.
  if (!answer.text.empty()) {
    request.turns.back().answer = answer.text;
    state_->chat = std::move(request);
  }
  return answer;
}

void Session::reset_chat() {
  const Call call(state_->busy, state_->interrupt);
  state_->chat = {};
}

Mask Session::refine(const std::optional<Mask>& mask, const std::vector<Click>& clicks,
                     const std::optional<Region>& box, std::optional<double> threshold) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("refine a mask on");
  state_->need_clicks();
  const Manifest& manifest = state_->loaded().facts.manifest;
  if (threshold && !(*threshold > 0 && *threshold < 1))
    fail(ErrorCode::InvalidArgument, "threshold is ", *threshold, "; it must lie between 0 and 1.");
  const double used = threshold ? *threshold : mask ? mask->threshold() : manifest.threshold;
  return draw_prompted(state_->loaded(), state_->images.front(), mask, clicks, box, used, state_->interrupt);
}

std::vector<Prediction> Session::predict(const std::vector<Click>& clicks, const std::optional<Region>& box,
                                         const cv::Mat& low_resolution, bool several) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("predict a mask on");
  state_->need_clicks();
  return draw_predictions(state_->loaded(), state_->images.front(), clicks, box, low_resolution, several,
                          state_->interrupt);
}

void Session::cancel() noexcept { state_->interrupt.request(); }

const Model& Session::model() const { return state_->model; }

std::int64_t Session::context() const { return state_->sequence.capacity(); }

}  // namespace medplib::core
