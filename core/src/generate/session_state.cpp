#include "generate/session_state.h"

#include "base/stopwatch.h"
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

std::int64_t rows_of(const std::vector<Slot>& slots) {
  return std::accumulate(slots.begin(), slots.end(), std::int64_t{0},
                         [](std::int64_t sum, const Slot& slot) { return sum + slot.rows; });
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

Session::State::Request Session::State::request_for(const std::string& question,
                                                    const AskOptions& ask_options) {
  check(ask_options);
  if (question.size() > kLongestText)
    fail(ErrorCode::InvalidArgument, "The question has ", question.size(), " bytes; at most ", kLongestText,
         " are read.");
  Request request;
  request.turns = {{question, ""}};
  request.contents.emplace_back();
  for (const Region& region : ask_options.regions) {
    RegionCells found =
        region_cells(region, images.front().image(), loaded().facts.config.clip, small_regions());
    const at::Tensor bytes = found.cells.contiguous();
    request.contents.back().emplace_back(static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes());
    request.cells.push_back(found.cells);
    std::ranges::move(found.warnings, std::back_inserter(request.warnings));
  }
  return request;
}

std::vector<Slot> Session::State::slots_of(const Prompt& prompt, const Request& request) const {
  std::vector<std::string> contents;
  for (const auto& turn : request.contents) contents.insert(contents.end(), turn.begin(), turn.end());
  std::vector<Slot> slots;
  std::size_t region = 0;
  for (const TokenId id : prompt.ids) {
    Slot slot{.id = id, .rows = 1, .content = {}};
    if (id == kImagePlaceholder) slot.rows = loaded().facts.config.image_tokens();
    if (id == kRegionPlaceholder) slot.content = contents.at(region++);
    slots.push_back(std::move(slot));
  }
  return slots;
}

// Up to and including the token behind the last image.
std::size_t Session::State::prefix_of(const std::vector<Slot>& slots) const {
  const TokenId end = loaded().facts.tokenizer.added("<im_end>");
  const auto last =
      std::find_if(slots.rbegin(), slots.rend(), [](const Slot& s) { return s.id == kImagePlaceholder; });
  const auto behind = static_cast<std::size_t>(slots.rend() - last);
  return behind < slots.size() && slots[behind].id == end ? behind + 1 : behind;
}

at::Tensor Session::State::embeddings(std::span<const Slot> slots, std::size_t first_image,
                                      std::size_t first_region, const Request& request) {
  std::vector<TokenId> ids;
  std::vector<at::Tensor> image_tokens, regions;
  for (const Slot& slot : slots) {
    ids.push_back(slot.id);
    if (slot.id == kImagePlaceholder) image_tokens.push_back(images[first_image++].tokens(interrupt.tap()));
    if (slot.id == kRegionPlaceholder)
      regions.push_back(images.front().region(request.cells[first_region++], interrupt.tap()));
  }
  return loaded().network.embed_prompt(ids, image_tokens, regions);
}

at::Tensor Session::State::run(std::span<const Slot> slots, std::size_t first_image, std::size_t first_region,
                               const Request& request) {
  const at::Tensor rows = embeddings(slots, first_image, first_region, request);
  return sequence.extend(loaded().network.language, slots, rows, interrupt.tap());
}

at::Tensor Session::State::prefill(const std::vector<Slot>& slots, const Request& request, Timing& timing) {
  const std::size_t prefix = prefix_of(slots);
  const std::size_t common = std::min(sequence.common_with(slots), slots.size() - 1);
  // Behind the prefix only the chat goes on where it was: a question then has the same bits, whatever was
  // asked before.
  std::size_t held = common < prefix ? 0 : request.reuse_everything ? common : prefix;
  sequence.truncate(held);
  timing.reused_tokens = static_cast<int>(sequence.rows());
  const auto count = [&](TokenId id) {
    return static_cast<std::size_t>(std::count_if(slots.begin(),
                                                  slots.begin() + static_cast<std::ptrdiff_t>(held),
                                                  [id](const Slot& slot) { return slot.id == id; }));
  };
  at::Tensor states;
  for (const std::size_t end : {prefix, slots.size()}) {
    if (end <= held) continue;
    const auto part = std::span(slots).subspan(held, end - held);
    states = run(part, count(kImagePlaceholder), count(kRegionPlaceholder), request);
    held = end;
  }
  return states[-1];
}

std::vector<Mask> Session::State::draw(const Decoded& decoded, const Request& request,
                                       const AskOptions& ask_options, Answer& answer) {
  std::vector<StateToDraw> states;
  for (const SegToken& seg : decoded.segs) states.push_back({seg.state, seg.probability});
  if (options.compat == Compat::Reference) {
    if (states.empty()) states.push_back({decoded.second_to_last, std::nullopt});
    states.resize(1);
  }
  if (states.size() > kMostMasks) {
    answer.warnings.push_back(
        text_of("The answer names ", states.size(), " masks; only the first ", kMostMasks, " were drawn."));
    states.resize(kMostMasks);
  }
  if (states.empty()) return {};
  const double threshold = ask_options.threshold.value_or(loaded().facts.manifest.threshold);
  return draw_states(loaded(), images.front(), states, request.label, threshold, interrupt);
}

Prompt Session::State::prompt_of(const Request& request) const {
  const FolderFacts& facts = loaded().facts;
  std::vector<int> regions;
  for (const auto& turn : request.contents) regions.push_back(static_cast<int>(turn.size()));
  return build_prompt(facts.tokenizer, facts.conversation, request.turns, regions,
                      static_cast<int>(images.size()));
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
  Decoded decoded = timed(timing.decode, timing,
                          [&] { return decode(loaded(), sequence, state, most, ask_options, interrupt); });
  timing.first_token = before_decoding + decoded.first_token;
  answer.masks = timed(timing.masks, timing, [&] { return draw(decoded, request, ask_options, answer); });
  timing.total = milliseconds_since(start);
  take(answer, std::move(decoded), ask_options);
  return answer;
}

void Session::State::take(Answer& answer, Decoded decoded, const AskOptions& ask_options) const {
  const std::size_t generated = decoded.tokens.size();
  if (decoded.finish == Finish::Length)
    answer.warnings.push_back(generated == static_cast<std::size_t>(ask_options.max_new_tokens)
                                  ? text_of("The answer was cut at max_new_tokens = ", generated, ".")
                                  : text_of("The answer was cut after ", generated,
                                            " tokens: the context of ", sequence.capacity(),
                                            " tokens is full."));
  answer.timing.generated_tokens = static_cast<int>(generated);
  answer.text = std::move(decoded.text);
  answer.tokens = std::move(decoded.tokens);
  answer.finish = decoded.finish;
  answer.near_ties = decoded.near_ties;
  answer.presence = decoded.seg_probability;  // segment keeps it when it was declined, nobody else
  answer.routing = sequence.routing();
}

}  // namespace medplib::core
