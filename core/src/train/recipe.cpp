#include "train/recipe.h"

#include <medplib/core/error.h>

#include <set>

namespace medplib::core {
namespace {

void apply(Json& json, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    fail(ErrorCode::InvalidArgument, "\"", text, "\" is not key=value, such as steps=200.");
  const std::string key = text.substr(0, equals), value = text.substr(equals + 1);
  Json parsed = Json::parse(value, nullptr, /*allow_exceptions=*/false);
  json[key] = parsed.is_discarded() ? Json(value) : parsed;  // what is no JSON is a text
}

std::string shown(const Json& value) { return value.is_null() ? "not given" : value.dump(); }

// Reads the known keys and complains about the others.
class Reader {
 public:
  // `file`: what `json` was read from, before keys were given on the command line.
  Reader(const Json& json, const LinedJson& file, std::string path)
      : json_(json), file_(file), path_(std::move(path)) {}

  template <class T>
  void operator()(const char* key, T& value) {
    known_.insert(key);
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) need_integer(key);
    value = optional_or<T>(json_, key, value, where(key));
  }

  void path(const char* key, std::filesystem::path& value, const std::filesystem::path& root) {
    known_.insert(key);
    value = root / required<std::string>(json_, key, where(key));
  }

  void optional_path(const char* key, std::filesystem::path& value, const std::filesystem::path& root) {
    std::string text;
    (*this)(key, text);
    if (!text.empty()) value = root / text;
  }

  void paths(const char* key, std::vector<std::filesystem::path>& values, const std::filesystem::path& root) {
    std::vector<std::string> texts;
    (*this)(key, texts);
    for (const auto& text : texts) values.push_back(root / text);
  }

  // One of several names.
  template <class T>
  void choice(const char* key, T& value, std::initializer_list<std::pair<const char*, T>> names) {
    std::string given, known;
    (*this)(key, given);
    if (!json_.contains(key)) return;
    for (const auto& [name, meaning] : names) {
      if (given == name) {
        value = meaning;
        return;
      }
      known += text_of(known.empty() ? "\"" : ", \"", name, "\"");
    }
    fail(ErrorCode::Format, "\"", key, "\" in ", where(key), " is \"", given, "\"; it must be one of ", known,
         ".");
  }

  void between(const char* key, double value, double least, double below) const {
    if (!(value >= least && value < below))
      fail(ErrorCode::Format, "\"", key, "\" in ", where(key), " is ", value, "; it must be at least ", least,
           " and below ", below, ".");
  }

  void above_zero(const char* key, double value) const {
    if (!(value > 0))
      fail(ErrorCode::Format, "\"", key, "\" in ", where(key), " is ", value, "; it must be above 0.");
  }

  void at_least(const char* key, double value, double least) const {
    if (!(value >= least))
      fail(ErrorCode::Format, "\"", key, "\" in ", where(key), " is ", value, "; it must be at least ", least,
           ".");
  }

  void finish() const {
    for (const auto& item : json_.items())
      if (!known_.contains(item.key()))
        fail(ErrorCode::Format, "\"", item.key(), "\" in ", where(item.key()),
             " is not a key of a recipe. Check its spelling.");
  }

 private:
  void need_integer(const char* key) const {
    if (json_.contains(key) && json_.at(key).is_number_float())
      fail(ErrorCode::Format, "\"", key, "\" in ", where(key), " is ", json_.at(key).dump(),
           "; it must be a whole number.");
  }

  std::string where(const std::string& key) const {
    return json_.contains(key) && file_.json.contains(key) && json_.at(key) == file_.json.at(key)
               ? path_ + file_.place(key)
               : path_;
  }

  const Json& json_;
  const LinedJson& file_;
  std::string path_;
  std::set<std::string> known_;
};

void read_data(Reader& read, Recipe& recipe, const std::filesystem::path& root) {
  read.path("model", recipe.model, root);
  read.path("train", recipe.train, root);
  read.optional_path("validate", recipe.validate, root);
  read.paths("start", recipe.start, root);
  read("max_samples", recipe.max_samples);
  read("images_per_step", recipe.images_per_step);
  read("masks_per_image", recipe.masks_per_image);
  read("questions_per_image", recipe.questions_per_image);
  read("set_weight", recipe.set_weight);
  read("set_exponent", recipe.set_exponent);
  read("augment", recipe.augment);
  read("free_orientation", recipe.free_orientation);
  read.at_least("max_samples", static_cast<double>(recipe.max_samples), 0);
  read.at_least("images_per_step", static_cast<double>(recipe.images_per_step), 1);
  read.at_least("masks_per_image", static_cast<double>(recipe.masks_per_image), 0);
  read.at_least("questions_per_image", static_cast<double>(recipe.questions_per_image), 1);
}

void read_course(Reader& read, Recipe& recipe) {
  read.choice<Stage>(
      "stage", recipe.stage,
      {{"grounding", Stage::Grounding}, {"language", Stage::Language}, {"joint", Stage::Joint}});
  read("freeze", recipe.freeze);
  read("steps", recipe.steps);
  read("seed", recipe.seed);
  read("threads", recipe.threads);
  read("accumulate", recipe.accumulate);
  read.choice<Precision>("precision", recipe.precision,
                         {{"float32", Precision::Float32}, {"bfloat16", Precision::BFloat16}});
  read("checkpoint_every", recipe.checkpoint_every);
  read("validate_every", recipe.validate_every);
  read("validate_samples", recipe.validate_samples);
  read.at_least("steps", static_cast<double>(recipe.steps), 1);
  read.at_least("threads", recipe.threads, 0);
  read.at_least("accumulate", static_cast<double>(recipe.accumulate), 1);
  read.at_least("checkpoint_every", static_cast<double>(recipe.checkpoint_every), 1);
  read.at_least("validate_every", static_cast<double>(recipe.validate_every), 1);
  read.at_least("validate_samples", static_cast<double>(recipe.validate_samples), 0);
}

void read_optimizer(Reader& read, Recipe& recipe) {
  read("learning_rate", recipe.learning_rate);
  read("final_learning_rate", recipe.final_learning_rate);
  read("warmup", recipe.warmup);
  read.choice<Schedule>("schedule", recipe.schedule,
                        {{"cosine", Schedule::Cosine}, {"linear", Schedule::Linear}});
  read("beta1", recipe.beta1);
  read("beta2", recipe.beta2);
  read("weight_decay", recipe.weight_decay);
  read("clip_norm", recipe.clip_norm);
  read("average", recipe.average);
  read.at_least("learning_rate", recipe.learning_rate, 0);
  read.at_least("final_learning_rate", recipe.final_learning_rate, 0);
  read.at_least("warmup", static_cast<double>(recipe.warmup), 0);
  read.at_least("weight_decay", recipe.weight_decay, 0);
  read.above_zero("clip_norm", recipe.clip_norm);
  read.between("beta1", recipe.beta1, 0, 1);
  read.between("beta2", recipe.beta2, 0, 1);
  read.between("average", recipe.average, 0, 1);
}

void read_losses(Reader& read, Recipe& recipe) {
  read("cross_entropy", recipe.cross_entropy);
  read("dice", recipe.dice);
  read("bce", recipe.bce);
  read("focal", recipe.focal);
  read("iou", recipe.iou);
  read("prompted", recipe.prompted);
  read("router", recipe.router);
  read("image_label", recipe.image_label);
  read("structure_label", recipe.structure_label);
  read("name_link", recipe.name_link);
}

}  // namespace

Recipe Recipe::read(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
  Recipe recipe;
  const LinedJson file = read_lined_json(path);
  recipe.json = file.json;
  if (!recipe.json.is_object()) fail(ErrorCode::Format, path, " must hold a JSON object.");
  for (const auto& text : overrides) apply(recipe.json, text);

  Reader read(recipe.json, file, path.string());
  read_data(read, recipe, path.parent_path());
  read_course(read, recipe);
  read_optimizer(read, recipe);
  read_losses(read, recipe);
  read.finish();
  return recipe;
}

std::string difference(const Json& recipe, const Json& earlier) {
  std::map<std::string, Json> now = recipe, before = earlier;
  for (const auto& [key, value] : before) now.try_emplace(key);
  std::string text;
  for (const auto& [key, value] : now)
    if (const Json& was = before[key]; value != was)
      text += (text.empty() ? "" : ", ") + key + " is " + shown(value) + ", was " + shown(was);
  return text;
}

}  // namespace medplib::core
