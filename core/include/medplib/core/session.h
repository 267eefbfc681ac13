// Session: the encoded images, KV cache and random state of one user. One thread per session; `cancel`
// may be called from any.
#pragma once

#include <medplib/core/error.h>
#include <medplib/core/image.h>
#include <medplib/core/mask.h>
#include <medplib/core/model.h>
#include <medplib/core/region.h>
#include <medplib/core/routing.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace medplib::core {

enum class StreamAction {
  Continue,
  Stop,    // end the answer here and keep its text
  Cancel,  // drop the answer: the call throws Cancelled
};

struct StreamPiece {
  std::string_view text;  // new UTF-8, cut at code-point ends; may be empty
  std::int64_t token = 0;
  int index = 0;  // of the generated token
};

using StreamCallback = std::function<StreamAction(const StreamPiece&)>;

enum class Compat {
  None,       // every <SEG> gives its mask; none gives no mask
  Reference,  // one mask as the published evaluation draws it: of the first <SEG>, else of the second-to-last
              // state
};

template <>
struct Names<Compat> {
  static constexpr const char* kind = "compat";
  static constexpr NameTable<Compat, 2> all = {{{Compat::None, "none"}, {Compat::Reference, "reference"}}};
};

struct SessionOptions {
  Compat compat = Compat::None;
  std::int64_t context = 0;  // tokens of the KV cache; 0: the model's context, at most 4096
  // Called with the name of each layer before it runs ("clip.3", "hidden.17", "sam.0", "masks"), on the
  // caller's thread: to show progress, or to cancel. Must not call into this session, except cancel.
  std::function<void(std::string_view)> on_layer = {};
};

struct AskOptions {
  std::vector<Region> regions = {};      // of the first image
  int max_new_tokens = 512;              // 1 …
  double temperature = 0;                // 0: greedy
  int top_k = 0;                         // 0: all
  double top_p = 1;                      // (0, 1]
  std::uint64_t seed = 0;                // used when temperature > 0
  std::optional<double> threshold = {};  // of the masks, (0, 1); by default the model's
  // Called on the caller's thread, without a lock; must not call into this session.
  StreamCallback on_text = {};
};

// Where the time of an answer went, in milliseconds.
struct Timing {
  double image_encode = 0;  // 0 when the image was already encoded
  double prefill = 0, decode = 0, masks = 0;
  double first_token = 0;  // from the call to the first token
  double total = 0;
  int prompt_tokens = 0, reused_tokens = 0, generated_tokens = 0;
};

// Of each field its name.
inline constexpr std::tuple kTimingFields = {std::pair{"image_encode", &Timing::image_encode},
                                             std::pair{"prefill", &Timing::prefill},
                                             std::pair{"decode", &Timing::decode},
                                             std::pair{"masks", &Timing::masks},
                                             std::pair{"first_token", &Timing::first_token},
                                             std::pair{"total", &Timing::total},
                                             std::pair{"prompt_tokens", &Timing::prompt_tokens},
                                             std::pair{"reused_tokens", &Timing::reused_tokens},
                                             std::pair{"generated_tokens", &Timing::generated_tokens}};

enum class Finish { EndOfText, Length, Stopped };

template <>
struct Names<Finish> {
  static constexpr const char* kind = "finish";
  static constexpr NameTable<Finish, 3> all = {
      {{Finish::EndOfText, "end_of_text"}, {Finish::Length, "length"}, {Finish::Stopped, "stopped"}}};
};

struct Answer {
  std::string text;
  std::vector<std::int64_t> tokens;   // generated ids, without the end token
  std::vector<Mask> masks;            // one a <SEG>, in order
  std::string prompt;                 // as it was sent
  std::vector<std::string> warnings;  // whole sentences
  Finish finish = Finish::EndOfText;
  Timing timing;
  ExpertCounts routing;           // of prompt and answer
  RoutingByKind routing_by_kind;  // the same, apart; earlier turns of a chat are a part of the prompt
  int near_ties = 0;              // tokens chosen with a lead of less than 1e-4 over the next
  std::optional<double>
      presence;  // of the structure when `segment` was declined (no mask): probability of <SEG>; uncalibrated
};

// What `medplib --json` prints of an answer: one JSON object. Routing and tokens are in it, pixels as run
// lengths.
std::string answer_json(const Answer& answer);

// Clicks in pixels of the image.
struct Click {
  double x = 0, y = 0;
  bool inside = true;
};

// One mask of `predict`, and the decoder's own logits, which a further call can start from.
struct Prediction {
  Mask mask;
  cv::Mat low_resolution;  // n × n, CV_32FC1, before the sigmoid; n is the decoder's
};

// One question of several.
struct Question {
  std::string text;
  AskOptions options = {};
};

// An answer, or the error instead of one.
using Outcome = std::variant<Answer, Error>;

// A matrix, row by row.
struct Embedding {
  std::int64_t rows = 0, columns = 0;
  std::vector<float> values;
  std::vector<std::string> warnings = {};  // whole sentences
};

// An answer, and what the language model did with each row of its input: prompt, image, regions and answer.
struct Trace {
  Answer answer;
  std::vector<std::string> rows;   // of each row its piece of text; "<image>" and "<region>" where it is none
  std::vector<int> segs;           // the rows whose states chose a <SEG>, in order
  std::vector<cv::Mat> attention;  // [layer]: rows × rows, CV_32FC1; weights of each row, mean of the heads
  std::vector<cv::Mat> router;     // [MoE layer]: rows × experts, CV_32FC1, logits
  std::vector<cv::Mat> experts;    // [MoE layer]: rows × k, CV_32SC1, most probable first
};

class Session {
 public:
  explicit Session(Model model, const SessionOptions& options = {});
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  // Encoding waits until it is needed; the chat is reset. Masks are drawn on the first image; several images
  // stand in the prompt in order.
  void set_image(Image image);
  void set_images(std::vector<Image> images);

  // The verbs. ask, segment, describe and refine start from the images' prefix and leave no history; chat
  // goes on where it was. Errors: InvalidArgument (question empty, not UTF-8, too long for the context; a
  // region off the image; options out of range), State (no image; called from within a callback of this
  // session), Unsupported (refine, or segment with regions, on a model that isn't made for it), Cancelled.
  Answer ask(const std::string& question, const AskOptions& options = {});
  Answer segment(const std::string& phrase, const AskOptions& options = {});
  // Several calls of ask, or segment, in one: each has its own outcome, and after a cancel all that follow
  // are Cancelled.
  std::vector<Outcome> ask_many(const std::vector<Question>& questions);
  std::vector<Outcome> segment_many(const std::vector<Question>& phrases);
  Answer describe(const Region& region, const AskOptions& options = {});
  Answer chat(const std::string& message, const AskOptions& options = {});
  void reset_chat();

  // ask, and then one pass over prompt and answer that records what happens inside: for understanding, not
  // for speed.
  Trace trace(const std::string& question, const AskOptions& options = {});

  // Returns a better mask from clicks and / or a box, and the mask so far, if any. At least a click or a box
  // is needed.
  Mask refine(const std::optional<Mask>& mask, const std::vector<Click>& clicks,
              const std::optional<Region>& box = {}, std::optional<double> threshold = {});

  // Returns masks from at least one of clicks, a box, and an earlier prediction's `low_resolution` (empty:
  // none), as segment-anything's predictor does. `multimask`: the decoder's alternatives (3 in the published
  // model) instead of one mask; a model that was not trained to give several gives one. Errors: as refine.
  std::vector<Prediction> predict(const std::vector<Click>& clicks, const std::optional<Region>& box,
                                  const cv::Mat& low_resolution, bool multimask);

  // Returns what the language model reads in place of an image: (image tokens, hidden), or of a region of the
  // first image: (1, hidden). Errors: InvalidArgument (no such image; region off the image), State,
  // Cancelled.
  Embedding embed_image(std::size_t index = 0);
  Embedding embed_region(const Region& region);

  // May be called from any thread and from a signal handler: the running call throws Cancelled before its
  // next layer. Without a running call it does nothing.
  void cancel() noexcept;

  const Model& model() const;
  std::int64_t context() const;  // tokens

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace medplib::core
