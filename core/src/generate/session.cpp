#include "base/process.h"
#include "base/utf8.h"
#include "generate/session_state.h"
#include "ops/own_state.h"
#include "ops/threads.h"

#include <medplib/core/current_error.h>
#include <medplib/core/error.h>
#include <medplib/core/session.h>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace medplib::core {

namespace {

// The letters A to Z alone.
std::string in_lower_case(std::string text) {
  for (char& letter : text)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return text;
}

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
    use_threads();
  }
  ~Call() { busy_.store(false); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  std::atomic<bool>& busy_;
  OwnState own_;
  c10::InferenceMode inference_;
};

}  // namespace

Session::Session(Model model, const SessionOptions& options) {
  check_not_forked();
  const OwnState own;
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

Answer Session::State::ask(const std::string& question, const AskOptions& ask_options) {
  return answer(request_for(question, ask_options), ask_options);
}

Answer Session::State::segment(const std::string& phrase, const AskOptions& ask_options) {
  if (!ask_options.regions.empty()) need_segmenting_in_regions();
  const std::string words = plain_words(phrase);
  const FolderFacts& facts = loaded().facts;
  const std::string asked = facts.manifest.lower_case_phrases ? in_lower_case(words) : words;
  Request request = request_for(fill_phrase(facts.verbs.segment, asked), ask_options);
  request.label = words;
  request.asks_for_mask = true;
  return answer(request, ask_options);
}

Answer Session::ask(const std::string& question, const AskOptions& options) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("ask about");
  return state_->ask(question, options);
}

Answer Session::segment(const std::string& phrase, const AskOptions& options) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("segment");
  return state_->segment(phrase, options);
}

Trace Session::trace(const std::string& question, const AskOptions& options) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("ask about");
  return state_->trace(question, options);
}

namespace {

std::vector<Outcome> answer_each(const std::vector<Question>& questions,
                                 const std::function<Answer(const Question&)>& answer) {
  std::vector<Outcome> outcomes;
  outcomes.reserve(questions.size());
  for (const Question& question : questions) {
    try {
      outcomes.emplace_back(answer(question));
    } catch (...) {
      outcomes.emplace_back(current_error());
      const auto& error = std::get<Error>(outcomes.back());
      if (error.code() == ErrorCode::Cancelled) outcomes.resize(questions.size(), error);
    }
    if (outcomes.size() == questions.size()) break;
  }
  return outcomes;
}

}  // namespace

std::vector<Outcome> Session::ask_many(const std::vector<Question>& questions) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("ask about");
  return answer_each(questions, [&](const Question& q) { return state_->ask(q.text, q.options); });
}

std::vector<Outcome> Session::segment_many(const std::vector<Question>& phrases) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("segment");
  return answer_each(phrases, [&](const Question& q) { return state_->segment(q.text, q.options); });
}

Answer Session::describe(const Region& region, const AskOptions& options) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("describe");
  AskOptions with_region = options;
  with_region.regions.insert(with_region.regions.begin(), region);
  const std::string& wording = state_->loaded().facts.verbs.describe;
  return state_->answer(state_->request_for(wording, with_region), with_region);
}

Answer Session::chat(const std::string& message, const AskOptions& options) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("chat about");
  State::Request request = state_->with_turn(state_->chat, message, options);
  request.reuse_everything = true;
  Answer answer = state_->answer(request, options);
  // An answer without a word is not part of a conversation: the template has no place for it.
  if (!answer.text.empty()) {
    request.turns.back().answer = answer_parts(answer.text);
    request.warnings.clear();  // they were about this message
    state_->chat = std::move(request);
  }
  return answer;
}

void Session::reset_chat() {
  const Call call(state_->busy, state_->interrupt);
  state_->chat = {};
}

namespace {

// A mask that the decoder drew goes on with its threshold; one that was drawn by hand has none of its own.
double threshold_after(const std::optional<Mask>& mask, double of_model) {
  return mask && !mask->by_hand() ? mask->threshold() : of_model;
}

}  // namespace

Mask Session::refine(const std::optional<Mask>& mask, const std::vector<Click>& clicks,
                     const std::optional<Region>& box, std::optional<double> threshold) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("refine a mask on");
  state_->need_clicks();
  if (threshold && !(*threshold > 0 && *threshold < 1))
    fail(ErrorCode::InvalidArgument, "threshold is ", *threshold, "; it must lie between 0 and 1.");
  const double used =
      threshold ? *threshold : threshold_after(mask, state_->loaded().facts.manifest.threshold);
  return draw_prompted(state_->loaded(), state_->images.front(), mask, clicks, box, used, state_->interrupt);
}

std::vector<Prediction> Session::predict(const std::vector<Click>& clicks, const std::optional<Region>& box,
                                         const cv::Mat& low_resolution, bool multimask) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("predict a mask on");
  state_->need_clicks();
  return draw_predictions(state_->loaded(), state_->images.front(), clicks, box, low_resolution, multimask,
                          state_->interrupt);
}

namespace {

// rows: (N, C)
Embedding embedding_of(const at::Tensor& rows, std::vector<std::string> warnings) {
  const at::Tensor plain = rows.to(at::kCPU, at::kFloat).contiguous();
  const auto* values = plain.const_data_ptr<float>();
  return {.rows = plain.size(0),
          .columns = plain.size(1),
          .values = {values, values + plain.numel()},
          .warnings = std::move(warnings)};
}

}  // namespace

Embedding Session::embed_image(std::size_t index) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("embed");
  if (index >= state_->images.size())
    fail(ErrorCode::InvalidArgument, "There is no image ", index, ": the session has ", state_->images.size(),
         ", counted from 0.");
  EncodedImage& image = state_->images[index];
  return embedding_of(image.tokens(state_->interrupt.tap()), image.image().origin().warnings);
}

Embedding Session::embed_region(const Region& region) {
  const Call call(state_->busy, state_->interrupt);
  state_->need_image("embed a region of");
  EncodedImage& image = state_->images.front();
  const RegionCells found =
      region_cells(region, image.image(), state_->loaded().facts.config.clip, state_->small_regions());
  std::vector<std::string> warnings = image.image().origin().warnings;
  std::ranges::copy(found.warnings, std::back_inserter(warnings));
  return embedding_of(image.region(found.cells, state_->interrupt.tap()).unsqueeze(0), std::move(warnings));
}

void Session::cancel() noexcept { state_->interrupt.request(); }

const Model& Session::model() const { return state_->model; }

std::int64_t Session::context() const { return state_->sequence.capacity(); }

}  // namespace medplib::core
