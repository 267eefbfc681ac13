#include "train/recipe.h"

#include "model/subject.h"

#include <medplib/core/error.h>
#include <medplib/core/runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>

namespace medplib::core {
namespace {

// Gives the key.
std::string apply(Json& json, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    fail(ErrorCode::InvalidArgument, "\"", text, "\" is not key=value, such as steps=200.");
  std::string key = text.substr(0, equals), value = text.substr(equals + 1);
  json[key] = Json::accept(value) ? parse_json(value, key) : Json(value);  // what is no JSON is a text
  return key;
}

std::string value_text(const Json& value) {
  return value.is_null() ? "not given" : shortened(value.dump(), 60);
}

// Reads the known keys and complains about the others.
class Reader {
 public:
  // `file`: what `json` was read from, before the keys `given` on the command line.
  Reader(const Json& json, const LinedJson& file, std::string path, std::set<std::string> given)
      : json_(json), file_(file), path_(std::move(path)), given_(std::move(given)) {}

  template <class T>
  void operator()(const char* key, T& value) {
    known_.insert(key);
    if (!json_.contains(key) || json_.at(key).is_null()) return;
    const Json& json = json_.at(key);
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      if (json.is_number() && !holds<T>(json))
        refuse(key, " is ", json.dump(), "; it must be a whole number from ", std::numeric_limits<T>::min(),
               " to ", std::numeric_limits<T>::max());
    try {
      value = json.get<T>();
    } catch (const nlohmann::json::exception& error) {
      refuse(key, " cannot be used: ", reason_of(error));
    }
  }

  void path(const char* key, std::filesystem::path& value, const std::filesystem::path& root) {
    std::string text;
    (*this)(key, text);
    if (text.empty()) refuse(key, " is missing");
    value = root / text;
  }

  void optional_path(const char* key, std::filesystem::path& value, const std::filesystem::path& root) {
    std::string text;
    (*this)(key, text);
    if (!text.empty()) value = root / text;
  }

  void paths(const char* key, std::vector<std::filesystem::path>& values, const std::filesystem::path& root) {
    std::vector<std::string> texts;
    if (json_.contains(key) && json_.at(key).is_string())
      (*this)(key, texts.emplace_back());
    else
      (*this)(key, texts);
    for (const auto& text : texts) values.push_back(root / text);
  }

  template <class T>
  void choice(const char* key, std::optional<T>& value) {
    T given{};
    choice(key, given);
    if (json_.contains(key) && !json_.at(key).is_null()) value = given;
  }

  // One of an enumeration's names.
  template <class T>
  void choice(const char* key, T& value) {
    std::string given, known;
    (*this)(key, given);
    if (!json_.contains(key) || json_.at(key).is_null()) return;
    for (const auto& [meaning, name] : Names<T>::all) {
      if (given == name) {
        value = meaning;
        return;
      }
      known += text_of(known.empty() ? "\"" : ", \"", name, "\"");
    }
    refuse(key, " is \"", given, "\"; it must be one of ", known);
  }

  void between(const char* key, double value, double least, double below) const {
    if (!(value >= least && value < below))
      refuse(key, " is ", value, "; it must be at least ", least, " and below ", below);
  }

  void above_zero(const char* key, double value) const {
    if (!(value > 0)) refuse(key, " is ", value, "; it must be above 0");
  }

  void at_least(const char* key, double value, double least) const {
    if (!(value >= least)) refuse(key, " is ", value, "; it must be at least ", least);
  }

  void finish() const {
    for (const auto& item : json_.items())
      if (!known_.contains(item.key())) refuse(item.key(), " is not a key of a recipe; check its spelling");
  }

  // A key of the command line is its fault, not the file's.
  template <class... Parts>
  [[noreturn]] void refuse(const std::string& key, const Parts&... parts) const {
    if (given_.contains(key))
      fail(ErrorCode::InvalidArgument, "\"", key, "\" on the command line", parts..., ".");
    fail(ErrorCode::Format, "\"", key, "\" in ", path_, file_.place(key), parts..., ".");
  }

 private:
  template <class T>
  static bool holds(const Json& number) {
    if (number.is_number_float()) return false;
    return number.is_number_unsigned() ? std::in_range<T>(number.get<std::uint64_t>())
                                       : std::in_range<T>(number.get<std::int64_t>());
  }

  const Json& json_;
  const LinedJson& file_;
  std::string path_;
  std::set<std::string> given_, known_;
};

void read_data(Reader& read, Recipe& recipe, const std::filesystem::path& root) {
  read.path("model", recipe.model, root);
  read.paths("train", recipe.train, root);
  if (recipe.train.empty()) read.refuse("train", " is missing");
  read.optional_path("validate", recipe.validate, root);
  read.optional_path("images", recipe.images, root);
  read.paths("start", recipe.start, root);
  read("max_samples", recipe.max_samples);
  read("images_per_step", recipe.images_per_step);
  read("masks_per_image", recipe.masks_per_image);
  read("questions_per_image", recipe.questions_per_image);
  read("set_weight", recipe.set_weight);
  read("set_exponent", recipe.set_exponent);
  read.choice("regions", recipe.regions);
  read("expected", recipe.expected);
  read("augment", recipe.augment);
  read("free_orientation", recipe.free_orientation);
  read.at_least("max_samples", static_cast<double>(recipe.max_samples), 0);
  read.at_least("images_per_step", static_cast<double>(recipe.images_per_step), 1);
  read.at_least("masks_per_image", static_cast<double>(recipe.masks_per_image), 0);
  read.at_least("questions_per_image", static_cast<double>(recipe.questions_per_image), 1);
  read.at_least("set_exponent", recipe.set_exponent, 0);
  for (const auto& [set, weight] : recipe.set_weight) read.at_least("set_weight", weight, 0);
}

void read_course(Reader& read, Recipe& recipe) {
  read.choice("objective", recipe.objective);
  read.choice("stage", recipe.stage);
  read("teach", recipe.teach);
  read("freeze", recipe.freeze);
  read("steps", recipe.steps);
  read("epochs", recipe.epochs);
  read("warmup_epochs", recipe.warmup_epochs);
  read("seed", recipe.seed);
  read("threads", recipe.threads);
  read("accumulate", recipe.accumulate);
  read("expert_capacity", recipe.expert_capacity);
  read("device", recipe.device);
  read.choice("precision", recipe.precision);
  read.choice("storage", recipe.storage);
  read("checkpoint_every", recipe.checkpoint_every);
  read("validate_every", recipe.validate_every);
  read("validate_samples", recipe.validate_samples);
  read.at_least("steps", static_cast<double>(recipe.steps), 1);
  read.at_least("epochs", recipe.epochs, 0);
  read.at_least("warmup_epochs", recipe.warmup_epochs, 0);
  read.between("threads", recipe.threads, 0, kMostThreads + 1);
  read.at_least("accumulate", static_cast<double>(recipe.accumulate), 1);
  read.between("expert_capacity", recipe.expert_capacity, 0, kMostExperts + 1);
  read.at_least("checkpoint_every", static_cast<double>(recipe.checkpoint_every), 1);
  read.at_least("validate_every", static_cast<double>(recipe.validate_every), 1);
  read.at_least("validate_samples", static_cast<double>(recipe.validate_samples), 0);
}

void read_lora(Reader& read, LoraRecipe& lora) {
  read("lora_targets", lora.targets);
  read("lora_rank", lora.rank);
  read("lora_alpha", lora.alpha);
  read("lora_dropout", lora.dropout);
  read.at_least("lora_rank", static_cast<double>(lora.rank), 1);
  read.above_zero("lora_alpha", lora.alpha);
  read.between("lora_dropout", lora.dropout, 0, 1);
}

void read_optimizer(Reader& read, Recipe& recipe) {
  read("learning_rate", recipe.learning_rate);
  read("final_learning_rate", recipe.final_learning_rate);
  read("warmup", recipe.warmup);
  read.choice("schedule", recipe.schedule);
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
  for_each_loss([&](LossKey key, const LossRow& row) {
    read(row.key, recipe.weight[key]);
    read.at_least(row.key, recipe.weight[key], 0);
  });
}

Recipe read_recipe(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
  Recipe recipe;
  const LinedJson file = read_lined_json(path);
  recipe.json = file.json;
  if (!recipe.json.is_object()) fail(ErrorCode::Format, path, " must hold a JSON object.");
  std::set<std::string> given;
  for (const auto& text : overrides) given.insert(apply(recipe.json, text));

  Reader read(recipe.json, file, path.string(), std::move(given));
  read_data(read, recipe, path.parent_path());
  read_course(read, recipe);
  read_lora(read, recipe.lora);
  read_optimizer(read, recipe);
  read_losses(read, recipe);
  read.finish();
  return recipe;
}

}  // namespace

PerLoss<double> default_weights() {
  PerLoss<double> weights;
  for_each_loss([&](LossKey key, const LossRow& row) { weights[key] = row.weight; });
  return weights;
}

void Recipe::count_steps(std::int64_t records) {
  if (epochs == 0) return;
  const double once = static_cast<double>(records) / static_cast<double>(images_per_step);
  steps = std::max<std::int64_t>(1, std::llround(std::ceil(epochs * once)));
  warmup = std::llround(std::ceil(warmup_epochs * once));
}

std::string LoraRecipe::text() const {
  if (targets.empty()) return "none";
  std::string list;
  for (const auto& target : targets) list += (list.empty() ? "" : ", ") + target;
  return text_of("rank ", rank, ", alpha ", alpha, ", of ", list);
}

Recipe Recipe::read(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
  return reading(Subject::Data, [&] { return read_recipe(path, overrides); });
}

std::string difference(const Json& recipe, const Json& earlier) {
  std::map<std::string, Json> now = recipe, before = earlier;
  for (const auto& [key, value] : before) now.try_emplace(key);
  std::string text;
  for (const auto& [key, value] : now)
    if (const Json& was = before[key]; value != was)
      text += (text.empty() ? "" : ", ") + key + " is " + value_text(value) + ", was " + value_text(was);
  return text;
}

}  // namespace medplib::core
