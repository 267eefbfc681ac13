// medplib.hpp as a C++ program uses it.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <medplib.hpp>
#include <set>
#include <source_folder.h>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unistd.h>
#include <variant>
#include <vector>

namespace {

using medplib::Action;
using medplib::Answer;
using medplib::AskOptions;
using medplib::Image;
using medplib::Model;
using medplib::Region;
using medplib::Session;

namespace fs = std::filesystem;

const std::string kGoldens = std::string(MEDPLIB_SOURCE_FOLDER) + "/tests/goldens/";
const std::string kQuestion = "Please segment the tumour in this MRI image.";

static_assert(std::is_copy_constructible_v<Model> && std::is_copy_constructible_v<Answer>);
static_assert(std::is_move_constructible_v<Session> && !std::is_copy_constructible_v<Session>);

class Hpp : public testing::Test {
 protected:
  static Model& model() {
    static Model loaded = Model::load(kGoldens + "ckpt/tiny_seg", {.device = "cpu"});
    return loaded;
  }
  static Image picture() { return Image::read(kGoldens + "cases/s01_emits_seg_wide.image.png"); }
  static Session session(const medplib::SessionOptions& options = {}) {
    Session fresh(model(), options);
    fresh.set_image(picture());
    return fresh;
  }
};

template <class Call>
medplib::Error error_of(const Call& call) {
  try {
    call();
  } catch (const medplib::Error& error) {
    return error;
  }
  return {MEDPLIB_OK, "nothing was thrown"};
}

TEST_F(Hpp, an_answer_and_its_masks_outlive_all_else) {
  std::vector<medplib::Mask> masks;
  {
    const Answer answer = session().ask(kQuestion);
    masks = answer.masks();
    EXPECT_FALSE(answer.text().empty());
    EXPECT_EQ(answer.tokens().size(), static_cast<std::size_t>(answer.timing().generated_tokens));
    EXPECT_EQ(answer.finish(), medplib::Finish::EndOfText);
    EXPECT_NE(answer.prompt().find(kQuestion), std::string::npos);
    EXPECT_EQ(answer.routing().front().size(), 2U);
    EXPECT_FALSE(answer.presence());
    EXPECT_TRUE(answer.warnings().empty());
    EXPECT_GE(answer.near_ties(), 0);
  }
  ASSERT_EQ(masks.size(), 1U);
  const medplib::Mask& mask = masks.front();
  EXPECT_EQ(mask.width(), 330);
  EXPECT_EQ(mask.height(), 150);
  const std::vector<std::uint8_t> pixels = mask.pixels();
  const std::vector<float> logits = mask.logits();
  const double least = std::log(mask.threshold() / (1 - mask.threshold()));
  std::int64_t inside = 0;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    inside += pixels[i];
    ASSERT_EQ(pixels[i] == 1, logits[i] > least);
  }
  EXPECT_EQ(mask.area(), inside);
  EXPECT_EQ(mask.threshold(), 0.1);  // the default of a folder without a manifest
  EXPECT_EQ(mask.label(), "");
  EXPECT_TRUE(mask.presence() && mask.iou_estimate());
  EXPECT_FALSE(mask.embedding().empty());
  EXPECT_FALSE(mask.rle().empty());
  EXPECT_EQ(mask.png().substr(1, 3), "PNG");
  EXPECT_FALSE(mask.polygons().empty());
  EXPECT_EQ(medplib::overlay_png(picture(), masks, {Region::box(1, 1, 9, 9)}).substr(1, 3), "PNG");
}

TEST_F(Hpp, errors_are_exceptions_with_code_and_sentence) {
  const auto missing = error_of([] { (void)Image::read("no.png"); });
  EXPECT_EQ(missing.code(), MEDPLIB_E_NOT_FOUND);
  EXPECT_NE(std::string(missing.what()).find("no.png"), std::string::npos);
  EXPECT_EQ(error_of([] { (void)Region::parse("circle:1,1"); }).code(), MEDPLIB_E_INVALID_ARG);
  EXPECT_EQ(
      error_of([] { (void)Image::from_pixels(static_cast<const std::uint8_t*>(nullptr), 1, 1, 1); }).code(),
      MEDPLIB_E_INVALID_ARG);
  EXPECT_EQ(error_of([] { (void)Session(model()).ask("What?"); }).code(), MEDPLIB_E_STATE);
}

TEST_F(Hpp, text_is_streamed_and_what_a_callback_throws_comes_out) {
  Session one = session();
  std::string text;
  AskOptions options;
  options.on_text = [&](const medplib::Piece& piece) {
    text += piece.text;
    return Action::Continue;
  };
  EXPECT_EQ(one.ask(kQuestion, options).text(), text);
  options.on_text = [](const medplib::Piece&) { return Action::Stop; };
  EXPECT_EQ(one.ask(kQuestion, options).finish(), medplib::Finish::Stopped);
  options.on_text = [](const medplib::Piece&) -> Action { throw std::out_of_range("mine"); };
  EXPECT_THROW((void)one.ask(kQuestion, options), std::out_of_range);
  EXPECT_THROW((void)one.ask_many({kQuestion}, options), std::out_of_range);
  EXPECT_EQ(one.ask(kQuestion).text(), text);
}

TEST_F(Hpp, layers_and_loading_can_be_watched_and_cancelled) {
  medplib::SessionOptions options;
  int layers = 0;
  options.on_layer = [&](const char*) { return ++layers == 5 ? Action::Cancel : Action::Continue; };
  Session moved = session(options);
  EXPECT_EQ(error_of([&] { (void)moved.ask(kQuestion); }).code(), MEDPLIB_E_CANCELLED);
  EXPECT_EQ(layers, 5);
  EXPECT_FALSE(moved.ask(kQuestion).text().empty());

  options.on_layer = [](const char*) -> Action { throw std::out_of_range("mine"); };
  Session throwing = session(options);
  EXPECT_THROW((void)throwing.ask(kQuestion), std::out_of_range);
  EXPECT_THROW((void)throwing.embed_image(), std::out_of_range);
  EXPECT_THROW((void)throwing.refine({{}, Region::box(60, 30, 200, 120)}), std::out_of_range);

  medplib::LoadOptions load;
  load.on_progress = [](double) -> Action { throw std::domain_error("mine"); };
  EXPECT_THROW((void)Model::load(kGoldens + "ckpt/tiny_seg", load), std::domain_error);
}

TEST_F(Hpp, regions_clicks_chats_and_many_questions) {
  Session one = session();
  AskOptions brief;
  brief.max_new_tokens = 3;
  brief.regions = {Region::point(100, 70), Region::polygon({{10, 10}, {60, 10}, {30, 50}})};
  EXPECT_NE(one.ask("What is this?", brief).prompt(), one.ask("What is this?").prompt());
  brief.regions.clear();
  EXPECT_FALSE(one.describe(Region::scribble({{10, 10}, {60, 60}}), brief).prompt().empty());
  (void)one.chat("A mauve question?", brief);
  EXPECT_NE(one.chat(kQuestion, brief).prompt().find("mauve"), std::string::npos);
  one.reset_chat();
  EXPECT_EQ(one.chat(kQuestion, brief).prompt().find("mauve"), std::string::npos);

  medplib::RefineOptions refine;
  refine.mask = medplib::Mask::from_region(Region::box(50, 30, 100, 90), 330, 150);
  refine.clicks = {{{80, 60}}, {{10, 10}, false}};
  EXPECT_EQ(one.refine(refine).width(), 330);

  const auto outcomes = one.ask_many({kQuestion, ""});
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(std::get<Answer>(outcomes[0]).text(), one.ask(kQuestion).text());
  EXPECT_EQ(std::get<medplib::Error>(outcomes[1]).code(), MEDPLIB_E_INVALID_ARG);
  EXPECT_EQ(one.segment("tumour").text(), std::get<Answer>(one.segment_many({"tumour"})[0]).text());
}

TEST_F(Hpp, each_of_many_questions_may_have_options_of_its_own) {
  Session one = session();
  const std::vector<AskOptions> options = {{.max_new_tokens = 1}, {.regions = {Region::point(100, 70)}}};
  const auto asked = one.ask_many({kQuestion, kQuestion}, options);
  EXPECT_EQ(std::get<Answer>(asked.at(0)).finish(), medplib::Finish::Length);
  EXPECT_EQ(std::get<Answer>(asked.at(1)).finish(), medplib::Finish::EndOfText);
  EXPECT_NE(std::get<Answer>(asked[0]).prompt(), std::get<Answer>(asked[1]).prompt());
  const auto drawn = one.segment_many({"tumour", "tumour"}, options);
  EXPECT_NE(std::get<Answer>(drawn.at(0)).prompt(), std::get<Answer>(drawn.at(1)).prompt());
  EXPECT_EQ(error_of([&] { (void)one.ask_many({kQuestion}, options); }).code(), MEDPLIB_E_INVALID_ARG);
}

// What medplib.h answers with the same options.
std::string in_c(Session& session, const AskOptions& options) {
  medplib_ask_options given;
  medplib_ask_options_init(&given, sizeof given);
  given.temperature = options.temperature;
  given.top_k = options.top_k;
  given.top_p = options.top_p;
  given.seed = options.seed;
  given.max_new_tokens = options.max_new_tokens;
  medplib_answer* answer = nullptr;
  EXPECT_EQ(medplib_ask(session.get(), kQuestion.c_str(), &given, &answer), MEDPLIB_OK);
  std::string text = answer == nullptr ? "" : medplib_answer_text(answer);
  medplib_answer_free(answer);
  return text;
}

TEST_F(Hpp, a_drawn_answer_is_that_of_c_and_follows_every_option) {
  Session one = session();
  AskOptions options{
      .temperature = 50, .top_p = 0.9, .seed = std::uint64_t{1} << 40, .top_k = 20, .max_new_tokens = 8};
  std::set<std::string> texts;
  const auto compare = [&] {
    const std::string text = one.ask(kQuestion, options).text();
    EXPECT_EQ(text, in_c(one, options));
    texts.insert(text);
  };
  compare();
  options.seed = 3;
  compare();
  options.top_k = 700;
  compare();
  options.top_p = 0.2;
  compare();
  options.temperature = 2;
  compare();
  EXPECT_EQ(texts.size(), 5U);  // each of them says something else
}

TEST_F(Hpp, a_model_in_bfloat16_says_so) {
  const Model half = Model::load(kGoldens + "ckpt/tiny_seg", {"cpu", medplib::Precision::BFloat16});
  EXPECT_EQ(Session(half).info().precision, MEDPLIB_PRECISION_BFLOAT16);
  EXPECT_EQ(half.info_json(), medplib::inspect(kGoldens + "ckpt/tiny_seg", medplib::Precision::BFloat16));
  EXPECT_NE(half.info_json(), model().info_json());
}

TEST_F(Hpp, embeddings_images_and_what_a_session_uses) {
  Session one = session();
  const medplib::Embedding image = one.embed_image(), region = one.embed_region(Region::box(5, 5, 90, 90));
  EXPECT_EQ(image.rows, 576U);
  EXPECT_EQ(image.values.size(), image.rows * region.values.size());
  EXPECT_EQ(std::string(one.info().device), "cpu");
  EXPECT_EQ(session({.compat = medplib::Compat::Reference}).info().compat, MEDPLIB_COMPAT_REFERENCE);
  EXPECT_NE(model().info_json().find("parameters"), std::string::npos);
  const std::vector<std::uint16_t> deep(30 * 20, 700);
  const Image made = Image::from_pixels(deep.data(), 30, 20, 1, 0, 1000);
  EXPECT_EQ(made.width(), 30);
  EXPECT_EQ(made.height(), 20);
  EXPECT_NE(made.info_json().find("\"bits\":16"), std::string::npos);
  const std::string png = medplib::overlay_png(made, {});
  EXPECT_EQ(Image::decode(png, "made").width(), 30);
  one.set_images({made, made});
  EXPECT_FALSE(medplib::embedded_model().empty());
  one.cancel();
}

TEST_F(Hpp, images_are_read_with_options) {
  const std::string deep = kGoldens + "preprocess/p3_grey16_301x299.png";
  const auto seen = [&](const medplib::ImageOptions& options) {
    return medplib::overlay_png(Image::read(deep, options), {});
  };
  EXPECT_EQ(seen({}), seen({.sixteen_bit = medplib::SixteenBit::Window}));
  EXPECT_NE(seen({}), seen({.sixteen_bit = medplib::SixteenBit::HighByte}));
  EXPECT_EQ(error_of([&] { (void)seen({.max_pixels = 301 * 299 - 1}); }).code(), MEDPLIB_E_FORMAT);
  const std::string png = medplib::overlay_png(picture(), {});
  EXPECT_EQ(error_of([&] { (void)Image::decode(png, "made", {.max_bytes = png.size() - 1}); }).code(),
            MEDPLIB_E_FORMAT);

  medplib_image_options defaults;
  medplib_image_options_init(&defaults, sizeof defaults);
  EXPECT_EQ(medplib::ImageOptions().max_bytes, defaults.max_bytes);
  EXPECT_EQ(medplib::ImageOptions().max_pixels, defaults.max_pixels);
}

TEST_F(Hpp, a_folder_is_inspected_and_verified) {
  EXPECT_EQ(medplib::inspect(kGoldens + "ckpt/tiny_seg"), model().info_json());
  EXPECT_TRUE(medplib::verify(kGoldens + "ckpt/tiny_seg").empty());
  const std::vector<std::string> problems = medplib::verify(kGoldens + "tokenizer");
  ASSERT_FALSE(problems.empty());
  for (const std::string& problem : problems) EXPECT_FALSE(problem.empty());
  EXPECT_EQ(error_of([] { (void)medplib::inspect("no folder"); }).name(), "NOT_FOUND");
}

TEST_F(Hpp, a_folder_with_an_index_of_bin_files_loads_and_what_does_not_fit_is_listed) {
  const fs::path folder = fs::temp_directory_path() / ("medplib-published-" + std::to_string(::getpid()));
  fs::copy(kGoldens + "ckpt/tiny_seg", folder);
  fs::rename(folder / "model.safetensors.index.json", folder / "pytorch_model.bin.index.json");
  EXPECT_FALSE(Model::load(folder, {.device = "cpu"}).info_json().empty());
  std::ifstream file(folder / "config.json");
  std::string config{std::istreambuf_iterator<char>(file), {}};
  const std::string size = "\"intermediate_size\": 172";
  config.replace(config.find(size), size.size(), "\"intermediate_size\": 164");
  fs::remove(folder / "config.json");
  std::ofstream(folder / "config.json") << config;
  const std::string told = error_of([&] { (void)Model::load(folder, {.device = "cpu"}); }).what();
  const std::vector<std::string> problems = medplib::verify(folder);
  fs::remove_all(folder);
  EXPECT_LE(told.size(), 1100U);
  EXPECT_NE(told.find(" and "), std::string::npos) << told;
  EXPECT_GT(problems.size(), 6U);
}

TEST_F(Hpp, the_library_tells_its_versions_threads_and_names_of_errors) {
  EXPECT_EQ(medplib::abi_version(), MEDPLIB_ABI_VERSION);
  EXPECT_NE(medplib::build_info_json().find("\"" + medplib::version() + "\""), std::string::npos);
  EXPECT_EQ(medplib::error_name(MEDPLIB_E_OOM_HOST), "OOM_HOST");
  const std::int32_t before = medplib::threads();
  medplib::set_threads(before + 1);
  EXPECT_EQ(medplib::threads(), before + 1);
  medplib::set_threads(before);
  EXPECT_EQ(error_of([] { medplib::set_threads(0); }).code(), MEDPLIB_E_INVALID_ARG);
}

TEST_F(Hpp, messages_of_the_asked_level_come_to_the_callback) {
  static std::vector<std::string> messages;
  medplib::set_log(medplib::LogLevel::Info, [](void*, std::int32_t level, const char* message) {
    EXPECT_EQ(level, MEDPLIB_LOG_INFO);
    messages.emplace_back(message);
  });
  (void)Model::load(kGoldens + "ckpt/tiny_seg", {.device = "cpu"});
  medplib::set_log(medplib::LogLevel::Warning);
  EXPECT_EQ(messages.size(), 1U);
}

// A model that never learnt to look for a phrase in a region, nor to estimate its IoU.
Session untaught() {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(testing::TempDir()) / ("untaught" + std::to_string(::getpid()));
  fs::create_directory(folder);
  for (const auto& file : fs::directory_iterator(kGoldens + "ckpt/tiny_seg"))
    fs::copy_file(file, folder / file.path().filename(), fs::copy_options::overwrite_existing);
  std::ofstream(folder / "medplib.json")
      << R"({"format_version": 1, "segment_in_region": false, "iou_estimate": false})";
  Session session(Model::load(folder.string(), {.device = "cpu"}));
  fs::remove_all(folder);
  return session;
}

TEST_F(Hpp, phrase_and_region_segment_is_refused_by_the_manifest) {
  Session one = untaught();
  one.set_image(picture());
  AskOptions with_region;
  with_region.regions = {Region::box(20, 20, 120, 120)};
  with_region.max_new_tokens = 1;
  const auto refused = error_of([&] { (void)one.segment("tumour", with_region); });
  EXPECT_EQ(refused.code(), MEDPLIB_E_UNSUPPORTED);
  EXPECT_NE(std::string(refused.what()).find("to refine"), std::string::npos) << refused.what();
  const auto many = one.segment_many({"tumour"}, with_region);
  EXPECT_EQ(std::get<medplib::Error>(many.front()).code(), MEDPLIB_E_UNSUPPORTED);
  EXPECT_FALSE(one.ask("What is this?", with_region).prompt().empty());
  EXPECT_FALSE(session().segment("tumour", with_region).prompt().empty());
}

TEST_F(Hpp, untaught_iou_estimate_is_none) {
  Session one = untaught();
  one.set_image(picture());
  const Answer answer = one.ask(kQuestion);
  ASSERT_EQ(answer.masks().size(), 1U);
  EXPECT_FALSE(answer.masks().front().iou_estimate());
  EXPECT_TRUE(session().ask(kQuestion).masks().front().iou_estimate());
}

TEST_F(Hpp, white_space_in_words_are_asked_as_they_are_seen) {
  const std::string odd = "\xEF\xBB\xBF left\xC2\xA0\nlu\xC2\xADng\xE2\x80\x8B ";
  AskOptions brief;
  brief.max_new_tokens = 1;
  Session one = session();
  EXPECT_EQ(one.ask(odd, brief).prompt(), one.ask("left lung", brief).prompt());
  EXPECT_EQ(one.segment(odd, brief).prompt(), one.segment("left lung", brief).prompt());
  const std::string chatted = one.chat(odd, brief).prompt();
  one.reset_chat();
  EXPECT_EQ(chatted, one.chat("left lung", brief).prompt());
}

}  // namespace
