// medplib in C++17: a header over the C interface, medplib.h, which says what each function does and when it
// fails. Errors are exceptions of type medplib::Error. Everything but a Session is a value that may be
// copied, shares what it holds and may be used from any thread; a Session belongs to one thread and is moved.
//
//   medplib::Session session(medplib::Model::load());
//   session.set_image(medplib::Image::read("retina.jpg"));
//   std::cout << session.ask("Which modality is this?").text() << '\n';
//
// Callbacks are functions that may throw: the call then ends, and the exception comes out of it.
#ifndef MEDPLIB_HPP
#define MEDPLIB_HPP

#include "medplib_values.hpp"

#include <deque>
#include <variant>

namespace medplib {

enum class Compat : std::int32_t { None = MEDPLIB_COMPAT_NONE, Reference = MEDPLIB_COMPAT_REFERENCE };

struct SessionOptions {
  std::int64_t context = MEDPLIB_CONTEXT_OF_MODEL;
  Compat compat = Compat::None;
  std::function<Action(const char* layer)> on_layer = {};
};

// New text of an answer; it may be empty.
struct Piece {
  std::string_view text;
  std::int64_t token;
  std::int32_t index;
};

struct AskOptions {
  std::vector<Region> regions = {};
  double temperature = 0;
  double top_p = 1;
  double threshold = MEDPLIB_THRESHOLD_OF_MODEL;
  std::uint64_t seed = 0;
  std::int32_t top_k = 0;
  std::int32_t max_new_tokens = 512;
  std::function<Action(const Piece&)> on_text = {};
};

struct Click {
  Point at;
  bool inside = true;
};

struct RefineOptions {
  std::optional<Mask> mask = {};
  std::optional<Region> box = {};
  std::vector<Click> clicks = {};
  double threshold = MEDPLIB_THRESHOLD_OF_MODEL;
};

// Rows of numbers, one after the other.
struct Embedding {
  std::size_t rows = 0;
  std::vector<float> values;
};

using Outcome = std::variant<Answer, Error>;

namespace detail {

// AskOptions, which must outlive it, as the C interface takes them.
class CAskOptions {
 public:
  explicit CAskOptions(const AskOptions& options)
      : regions_(handles<medplib_region>(options.regions)), on_text_{options.on_text} {
    options_.regions = regions_.data();
    options_.region_count = regions_.size();
    options_.temperature = options.temperature;
    options_.top_p = options.top_p;
    options_.threshold = options.threshold;
    options_.seed = options.seed;
    options_.top_k = options.top_k;
    options_.max_new_tokens = options.max_new_tokens;
    options_.user = &on_text_;
    if (options.on_text)
      options_.on_text = [](void* user, const char* text, std::size_t length, std::int64_t token,
                            std::int32_t index) {
        return (*static_cast<OnText*>(user))(Piece{{text, length}, token, index});
      };
  }
  CAskOptions(const CAskOptions&) = delete;
  CAskOptions& operator=(const CAskOptions&) = delete;

  const medplib_ask_options* get() const { return &options_; }
  void rethrow() { on_text_.rethrow(); }

 private:
  using OnText = Callback<const std::function<Action(const Piece&)>&>;
  std::vector<const medplib_region*> regions_;
  OnText on_text_;
  medplib_ask_options options_ = defaults(medplib_ask_options_init);
};

}  // namespace detail

class Session {
 public:
  explicit Session(const Model& model, const SessionOptions& options = {})
      : on_layer_(std::make_unique<OnLayer>(OnLayer{options.on_layer})) {
    auto given = detail::defaults(medplib_session_options_init);
    given.context = options.context;
    given.compat = static_cast<std::int32_t>(options.compat);
    given.user = on_layer_.get();
    if (options.on_layer)
      given.on_layer = [](void* user, const char* layer) { return (*static_cast<OnLayer*>(user))(layer); };
    medplib_session* created = nullptr;
    detail::check(medplib_session_create(model.get(), &given, &created));
    handle_.reset(created);
  }

  // What the session really uses; the text in it lives as long as the session.
  medplib_session_facts info() const {
    medplib_session_facts facts;
    detail::check(medplib_session_info(get(), &facts, sizeof facts));
    return facts;
  }
  void set_image(const Image& image) { detail::check(medplib_session_set_image(get(), image.get())); }
  void set_images(const std::vector<Image>& images) {
    const auto all = detail::handles<medplib_image>(images);
    detail::check(medplib_session_set_images(get(), all.data(), all.size()));
  }

  Answer ask(const std::string& question, const AskOptions& options = {}) {
    return answer(options, [&](auto... to) { return medplib_ask(get(), question.c_str(), to...); });
  }
  Answer segment(const std::string& phrase, const AskOptions& options = {}) {
    return answer(options, [&](auto... to) { return medplib_segment(get(), phrase.c_str(), to...); });
  }
  Answer describe(const Region& region, const AskOptions& options = {}) {
    return answer(options, [&](auto... to) { return medplib_describe(get(), region.get(), to...); });
  }
  Answer chat(const std::string& message, const AskOptions& options = {}) {
    return answer(options, [&](auto... to) { return medplib_chat(get(), message.c_str(), to...); });
  }
  void reset_chat() { detail::check(medplib_session_reset_chat(get())); }

  Mask refine(const RefineOptions& options) {
    std::vector<double> xy;
    std::vector<std::int32_t> inside;
    for (const Click& click : options.clicks) {
      xy.insert(xy.end(), {click.at.x, click.at.y});
      inside.push_back(click.inside ? 1 : 0);
    }
    auto given = detail::defaults(medplib_refine_options_init);
    given.mask = options.mask ? options.mask->get() : nullptr;
    given.box = options.box ? options.box->get() : nullptr;
    given.clicks = xy.data();
    given.inside = inside.data();
    given.click_count = inside.size();
    given.threshold = options.threshold;
    medplib_mask* mask = nullptr;
    checked(medplib_refine(get(), &given, &mask));
    return Mask(std::shared_ptr<const medplib_mask>(std::shared_ptr<medplib_mask>(mask, medplib_mask_free)));
  }

  // The same options for every question, or as many of them as there are questions. What a callback throws
  // comes out of here, and no answer then.
  std::vector<Outcome> ask_many(const std::vector<std::string>& questions, const AskOptions& options = {}) {
    return many(questions, same(questions, options), medplib_ask_many);
  }
  std::vector<Outcome> ask_many(const std::vector<std::string>& questions,
                                const std::vector<AskOptions>& options) {
    return many(questions, each(options), medplib_ask_many);
  }
  std::vector<Outcome> segment_many(const std::vector<std::string>& phrases, const AskOptions& options = {}) {
    return many(phrases, same(phrases, options), medplib_segment_many);
  }
  std::vector<Outcome> segment_many(const std::vector<std::string>& phrases,
                                    const std::vector<AskOptions>& options) {
    return many(phrases, each(options), medplib_segment_many);
  }

  Embedding embed_image(std::size_t index = 0) {
    Embedding embedding;
    std::size_t needed = 0;
    checked(medplib_embed_image(get(), index, nullptr, 0, &needed, &embedding.rows));
    embedding.values.resize(needed);
    checked(medplib_embed_image(get(), index, embedding.values.data(), needed, nullptr, nullptr));
    return embedding;
  }
  Embedding embed_region(const Region& region) {
    Embedding embedding{1, {}};
    std::size_t needed = 0;
    checked(medplib_embed_region(get(), region.get(), nullptr, 0, &needed));
    embedding.values.resize(needed);
    checked(medplib_embed_region(get(), region.get(), embedding.values.data(), needed, nullptr));
    return embedding;
  }

  // From any thread or signal handler, as long as the session lives.
  void cancel() noexcept { medplib_session_cancel(get()); }

  medplib_session* get() const { return handle_.get(); }

 private:
  using OnLayer = detail::Callback<std::function<Action(const char*)>>;
  struct Free {
    void operator()(medplib_session* session) const { medplib_session_free(session); }
  };

  // Throws what a callback threw, else the error.
  void checked(std::int32_t status) {
    on_layer_->rethrow();
    detail::check(status);
  }

  template <class Verb>
  Answer answer(const AskOptions& options, const Verb& verb) {
    detail::CAskOptions given(options);
    medplib_answer* answer = nullptr;
    const std::int32_t status = verb(given.get(), &answer);
    const std::shared_ptr<medplib_answer> owned(answer, medplib_answer_free);
    given.rethrow();
    checked(status);
    return Answer(owned);
  }

  static std::deque<detail::CAskOptions> same(const std::vector<std::string>& texts,
                                              const AskOptions& options) {
    std::deque<detail::CAskOptions> given;
    for (std::size_t i = 0; i < texts.size(); ++i) given.emplace_back(options);
    return given;
  }
  static std::deque<detail::CAskOptions> each(const std::vector<AskOptions>& options) {
    return std::deque<detail::CAskOptions>(options.begin(), options.end());
  }

  template <class Verb>
  std::vector<Outcome> many(const std::vector<std::string>& texts, std::deque<detail::CAskOptions> given,
                            Verb verb) {
    if (given.size() != texts.size())
      throw Error(MEDPLIB_E_INVALID_ARG, std::to_string(texts.size()) +
                                             " texts were given with options for " +
                                             std::to_string(given.size()) + ".");
    std::vector<const char*> pointers;
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    std::vector<const medplib_ask_options*> options;
    for (const detail::CAskOptions& one : given) options.push_back(one.get());
    medplib_answers* all = nullptr;
    const std::int32_t status = verb(get(), pointers.data(), pointers.size(), options.data(), &all);
    const std::shared_ptr<medplib_answers> owned(all, medplib_answers_free);
    for (detail::CAskOptions& one : given) one.rethrow();
    checked(status);
    std::vector<Outcome> outcomes;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const medplib_answer* answer = nullptr;
      const std::int32_t code = medplib_answers_get(owned.get(), i, &answer);
      if (answer == nullptr)
        outcomes.emplace_back(Error(code, medplib_last_error()));
      else
        outcomes.emplace_back(Answer(std::shared_ptr<const medplib_answer>(owned, answer)));
    }
    return outcomes;
  }

  std::unique_ptr<OnLayer> on_layer_;  // stays where it is when the session is moved
  std::unique_ptr<medplib_session, Free> handle_;
};

}  // namespace medplib

#endif
