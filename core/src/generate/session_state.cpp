#include "generate/session_state.h"

#include "base/stopwatch.h"
#include "base/utf8.h"
#include "model/info.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <numeric>

namespace medplib::core {

namespace {

constexpr std::size_t kMostMasks = 64;  // an answer of <SEG> alone would otherwise fill the memory with masks
constexpr std::size_t kLongestText = std::size_t{1} << 20;

std::int64_t context_of(const LoadedModel& model, const SessionOptions& options) {
  const std::int64_t longest = model.facts.config.language.max_positions;
  if (options.context == 0) return default_context(model.facts.config.language);
  if (options.context < 0 || options.context > longest)
    fail(ErrorCode::InvalidArgument, "The session's context of ", options.context,
         " tokens must lie between 1 and the model's ", longest, ".");
  return options.context;
}

void check(const AskOptions& options) {
  if (options.max_new_tokens < 1)
    fail(ErrorCode::InvalidArgument, "max_new_tokens is ", options.max_new_tokens, "; it must be 1 or more.");
  if (options.threshold && !(*options.threshold > 0 && *options.threshold < 1))
    fail(ErrorCode::InvalidArgument, "threshold is ", *options.threshold, "; it must lie between 0 and 1.");
  (void)Sampler(options);
}

std::vector<std::size_t> first_numbers(std::size_t first, std::size_t count) {
  std::vector<std::size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

}  // namespace

Session::State::State(Model given, const SessionOptions& given_options)
    : model(std::move(given)),
      options(given_options),
      interrupt(given_options.on_layer),
      sequence(loaded().facts.config.language, context_of(loaded(), given_options), loaded().options()) {}

void Session::State::set_images(std::vector<Image> given) {
  if (given.empty()) fail(ErrorCode::InvalidArgument, "No image was given.");
  std::vector<EncodedImage> shown;  // when memory runs out, the images before stay
  shown.reserve(given.size());
  for (Image& image : given) shown.emplace_back(loaded().network, loaded().options(), std::move(image));
  sequence.truncate(0);
  chat = {};
  images = std::move(shown);
}

void Session::State::need_image(const char* verb) const {
  if (images.empty()) fail(ErrorCode::State, "There is no image to ", verb, ". Call set_image first.");
}

void Session::State::need_clicks() const {
  if (!loaded().facts.manifest.refine)
    fail(ErrorCode::Unsupported,
         "This model's mask decoder does not follow clicks well enough. Use segment or ask.");
}

void Session::State::need_segmenting_in_regions() const {
  const Manifest& manifest = loaded().facts.manifest;
  if (!manifest.segment_in_region)
    fail(ErrorCode::Unsupported, "This model was not taught to segment what a phrase names within a region: ",
         manifest.refine ? "give the box, or clicks, to refine, or leave the region out."
                         : "leave the region out.");
}

Session::State::Request Session::State::request_for(const std::string& question,
                                                    const AskOptions& ask_options) const {
  return with_turn({}, question, ask_options);
}

Session::State::Request Session::State::with_turn(Request before, const std::string& question,
                                                  const AskOptions& ask_options) const {
  check(ask_options);
  if (question.size() > kLongestText)
    fail(ErrorCode::InvalidArgument, "The question has ", question.size(), " bytes; at most ", kLongestText,
         " are read.");
  Request request = std::move(before);
  const std::size_t turn = request.turns.size(), first_region = request.regions.size();
  for (const Region& region : ask_options.regions) {
    RegionCells found =
        region_cells(region, images.front().image(), loaded().facts.config.clip, small_regions());
    request.regions.push_back({.image = 0, .cells = std::move(found.cells)});
    std::ranges::move(found.warnings, std::back_inserter(request.warnings));
  }
  // A user who asks once has not counted.
  request.turns.push_back(
      {question_parts(plain_words(question), first_numbers(0, turn == 0 ? images.size() : 0),
                      first_numbers(first_region, ask_options.regions.size()),
                      turn == 0 ? "The question" : text_of("Question ", turn + 1)),
       {}});
  return request;
}

Prompt Session::State::prompt_of(const Request& request) const {
  return build_prompt(loaded().facts.tokenizer, loaded().facts.conversation, request.turns);
}

std::vector<Slot> Session::State::slots_of(const Prompt& prompt, const Request& request) const {
  std::vector<Slot> slots;
  std::size_t image = 0, region = 0;
  for (const TokenId id : prompt.ids) {
    Slot slot{.id = id, .rows = rows_of(id, loaded().facts.config.image_tokens())};
    if (id == kImagePlaceholder) slot.index = prompt.images[image++];
    if (id == kRegionPlaceholder) {
      slot.index = prompt.regions[region++];
      const PointedAt& pointed_at = request.regions[slot.index];
      const at::Tensor bytes = pointed_at.cells.contiguous();
      slot.content = text_of("image ", pointed_at.image, ": ");
      slot.content.append(static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes());
    }
    slots.push_back(std::move(slot));
  }
  return slots;
}

at::Tensor Session::State::embeddings(std::span<const Slot> slots, const Request& request) {
  std::vector<TokenId> ids;
  std::vector<at::Tensor> image_tokens, regions;
  for (const Slot& slot : slots) {
    ids.push_back(slot.id);
    if (slot.id == kImagePlaceholder) image_tokens.push_back(images[slot.index].tokens(interrupt.tap()));
    if (slot.id == kRegionPlaceholder) {
      const PointedAt& region = request.regions[slot.index];
      regions.push_back(images[region.image].region(region.cells, interrupt.tap()));
    }
  }
  return loaded().network.embed_prompt(ids, image_tokens, regions);
}

at::Tensor Session::State::prefill(const std::vector<Slot>& slots, const Request& request, Timing& timing) {
  std::vector<TokenId> ids;
  for (const Slot& slot : slots) ids.push_back(slot.id);
  const std::size_t prefix = image_prefix(ids, loaded().facts.tokenizer);
  const std::size_t common = std::min(sequence.common_with(slots), slots.size() - 1);
  // Behind the prefix only the chat goes on where it was: a question then has the same bits, whatever was
  // asked before.
  std::size_t held = common < prefix ? 0 : request.reuse_everything ? common : prefix;
  sequence.truncate(held);
  timing.reused_tokens = static_cast<int>(sequence.rows());
  at::Tensor states;
  for (const std::size_t end : {prefix, slots.size()}) {
    if (end <= held) continue;
    const auto part = std::span(slots).subspan(held, end - held);
    states = sequence.extend(loaded().network.language, part, embeddings(part, request), interrupt.tap());
    held = end;
  }
  return states[-1];
}

std::vector<Mask> Session::State::draw(const Generated& generated, const Request& request,
                                       const AskOptions& ask_options, Answer& answer) {
  std::vector<StateToDraw> states;
  for (const SegToken& seg : generated.segs) states.push_back({seg.state, seg.probability});
  if (options.compat == Compat::Reference) {
    if (states.empty()) states.push_back({generated.second_to_last, std::nullopt});
    states.resize(1);
  }
  if (states.size() > kMostMasks) {
    answer.warnings.push_back(
        text_of("The answer names ", states.size(), " masks; only the first ", kMostMasks, " were drawn."));
    states.resize(kMostMasks);
  }
  if (states.empty()) return {};
  const double threshold = ask_options.threshold.value_or(loaded().facts.manifest.threshold);
  std::vector<Mask> masks =
      draw_states(loaded(), images[request.drawn_on], states, request.label, threshold, interrupt);
  for (Mask& mask : masks) mask.image = request.drawn_on;
  return masks;
}

double Session::State::encoding_time() const {
  return std::accumulate(images.begin(), images.end(), 0.0,
                         [](double sum, const EncodedImage& image) { return sum + image.milliseconds(); });
}

// What `work` answers; its time is added to `spent`, but that of encoding images, which is counted by itself.
template <class Work>
auto Session::State::timed(double& spent, Timing& timing, const Work& work) {
  const double encoded_before = encoding_time();
  double all = 0;
  auto result = [&] {
    const Stopwatch watch(all);
    return work();
  }();
  const double encoded = encoding_time() - encoded_before;
  timing.image_encode += encoded;
  spent += all - encoded;
  return result;
}

Answer Session::State::answer(const Request& request, const AskOptions& ask_options) {
  Answer answer;
  const auto start = std::chrono::steady_clock::now();
  const Prompt prompt = prompt_of(request);
  const std::vector<Slot> slots = slots_of(prompt, request);
  const std::int64_t rows = rows_of(slots), room = sequence.capacity() - rows;
  if (room < 1)
    fail(ErrorCode::InvalidArgument, "The prompt has ", rows, " tokens, but the session's context holds ",
         sequence.capacity(), " with the answer. Ask a shorter question, with fewer images or turns.");
  answer.prompt = prompt.text;
  for (const EncodedImage& image : images)
    std::ranges::copy(image.image().origin().warnings, std::back_inserter(answer.warnings));
  std::ranges::copy(request.warnings, std::back_inserter(answer.warnings));
  Timing& timing = answer.timing;
  timing.prompt_tokens = static_cast<int>(rows);
  const at::Tensor state = timed(timing.prefill, timing, [&] { return prefill(slots, request, timing); });
  const double before_decoding = milliseconds_since(start);
  const auto most = static_cast<int>(std::min<std::int64_t>(ask_options.max_new_tokens, room));
  Generated generated = timed(timing.decode, timing, [&] {
    Decoder decoder(loaded(), sequence, state, most, ask_options);
    while (decoder.step(interrupt)) {
    }
    return decoder.finish();
  });
  timing.first_token = before_decoding + generated.first_token;
  answer.masks = timed(timing.masks, timing, [&] { return draw(generated, request, ask_options, answer); });
  timing.total = milliseconds_since(start);
  put(answer, std::move(generated), request, ask_options);
  answer.routing_by_kind = sequence.routing(kinds_of_rows(slots, answer.tokens));
  return answer;
}

std::vector<TokenKind> Session::State::kinds_of_rows(const std::vector<Slot>& slots,
                                                     const std::vector<TokenId>& answer) const {
  std::vector<TokenId> ids, labels(slots.size(), kIgnoredLabel);
  for (const Slot& slot : slots) ids.push_back(slot.id);
  ids.insert(ids.end(), answer.begin(), answer.end());
  labels.insert(labels.end(), answer.begin(), answer.end());
  const FolderFacts& facts = loaded().facts;
  std::vector<TokenKind> kinds =
      kinds_of(ids, labels, facts.config.image_tokens(), facts.tokenizer.added("<SEG>"));
  // The last token was chosen, but not read; or its end was read as well.
  kinds.resize(static_cast<std::size_t>(sequence.rows()), TokenKind::Answer);
  return kinds;
}

void Session::State::put(Answer& answer, Generated generated, const Request& request,
                         const AskOptions& ask_options) const {
  const std::size_t tokens = generated.tokens.size();
  if (generated.finish == Finish::Length)
    answer.warnings.push_back(tokens == static_cast<std::size_t>(ask_options.max_new_tokens)
                                  ? text_of("The answer was cut at max_new_tokens = ", tokens, ".")
                                  : text_of("The answer was cut after ", tokens, " tokens: the context of ",
                                            sequence.capacity(), " tokens is full."));
  answer.timing.generated_tokens = static_cast<int>(tokens);
  answer.text = std::move(generated.text);
  answer.tokens = std::move(generated.tokens);
  answer.finish = generated.finish;
  answer.near_ties = generated.near_ties;
  if (request.asks_for_mask && answer.masks.empty()) answer.presence = generated.seg_probability;
  answer.routing = sequence.routing();
}

}  // namespace medplib::core
