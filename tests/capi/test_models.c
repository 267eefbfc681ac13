/* The library, models and sessions. */
#include "check.h"

#include <math.h>
#include <pthread.h>

static void versions_are_those_of_the_header(void) {
  CHECK(medplib_abi_version() == MEDPLIB_ABI_VERSION);
  CHECK(strcmp(medplib_version(), MEDPLIB_VERSION) == 0);
  CHECK(strstr(medplib_build_info_json(), "\"version\":\"" MEDPLIB_VERSION "\"") != NULL);
}

static void codes_have_names(void) {
  CHECK(strcmp(medplib_error_name(MEDPLIB_OK), "OK") == 0);
  CHECK(strcmp(medplib_error_name(MEDPLIB_E_OOM_HOST), "OOM_HOST") == 0);
  CHECK(strcmp(medplib_error_name(-99), "UNKNOWN") == 0 && strcmp(medplib_error_name(7), "UNKNOWN") == 0);
}

static void the_number_of_threads_can_be_set(void) {
  const int32_t before = medplib_threads();
  CHECK(before >= 1);
  CHECK(medplib_set_threads(before + 1) == MEDPLIB_OK && medplib_threads() == before + 1);
  CHECK(medplib_set_threads(before) == MEDPLIB_OK);
  REFUSED(medplib_set_threads(0));
}

static void the_codes_tell_what_to_act_on(void) {
  medplib_model* loaded = NULL;
  medplib_answer* answer = NULL;
  medplib_session* session = NULL;
  CHECK(medplib_model_load("no/such/folder", NULL, &loaded) == MEDPLIB_E_NOT_FOUND &&
        error_mentions("no/such/folder"));
  CHECK(medplib_model_load(GOLDENS "cases", NULL, &loaded) < 0 && loaded == NULL);
  CHECK(medplib_session_create(model, NULL, &session) == MEDPLIB_OK);
  CHECK(medplib_ask(session, "What is this?", NULL, &answer) == MEDPLIB_E_STATE);
  medplib_session_free(session);
}

/* What a new thread sees as its last error before and after one of its own. */
static void* in_another_thread(void* at_first) {
  *(int*)at_first = strcmp(medplib_last_error(), "") == 0;
  medplib_region* region = NULL;
  CHECK(medplib_region_parse("circle:1,1", &region) == MEDPLIB_E_INVALID_ARG && error_mentions("circle"));
  return NULL;
}

static void the_last_error_stays_through_successes_and_is_the_threads_own(void) {
  medplib_region* region = NULL;
  CHECK(medplib_region_parse("oval:1,1", &region) == MEDPLIB_E_INVALID_ARG);
  CHECK(medplib_region_parse("point:1,1", &region) == MEDPLIB_OK && error_mentions("oval"));
  medplib_region_free(region);
  pthread_t other;
  int at_first = 0;
  CHECK(pthread_create(&other, NULL, in_another_thread, &at_first) == 0);
  pthread_join(other, NULL);
  CHECK(at_first);
  CHECK(error_mentions("oval"));
}

/* How far loading was, and where to answer what. */
typedef struct {
  double last;
  int calls, at, answer;
} loading;

static int32_t watch(void* user, double part) {
  loading* seen = user;
  CHECK(part >= seen->last && part <= 1);
  seen->last = part;
  return ++seen->calls == seen->at ? seen->answer : MEDPLIB_CONTINUE;
}

static int32_t load(loading* seen, medplib_model** loaded) {
  medplib_load_options options;
  medplib_load_options_init(&options, sizeof options);
  options.device = "cpu";
  options.on_progress = watch;
  options.user = seen;
  return medplib_model_load(GOLDENS "ckpt/tiny_seg", &options, loaded);
}

static void loading_tells_its_progress_and_can_be_cancelled(void) {
  medplib_model* loaded = NULL;
  loading whole = {0, 0, 0, 0}, cut = {0, 0, 3, MEDPLIB_CANCEL}, wrong = {0, 0, 2, MEDPLIB_STOP};
  CHECK(load(&whole, &loaded) == MEDPLIB_OK && loaded != NULL);
  CHECK(whole.calls > 3 && whole.last == 1);
  medplib_model_free(loaded);
  CHECK(load(&cut, &loaded) == MEDPLIB_E_CANCELLED && loaded == NULL && cut.calls == 3);
  CHECK(load(&wrong, &loaded) == MEDPLIB_E_CALLBACK && loaded == NULL && error_mentions("on_progress"));
}

static void a_folder_is_inspected_without_loading_it(void) {
  medplib_bytes *folder = NULL, *loaded = NULL;
  CHECK(medplib_inspect(GOLDENS "ckpt/tiny_seg", MEDPLIB_PRECISION_FLOAT32, &folder) == MEDPLIB_OK);
  CHECK(medplib_model_info_json(model, &loaded) == MEDPLIB_OK);
  CHECK(strcmp(medplib_bytes_data(folder), medplib_bytes_data(loaded)) == 0);
  CHECK(strstr(medplib_bytes_data(folder), "\"parameters\":") != NULL);
  CHECK(medplib_bytes_size(folder) == strlen(medplib_bytes_data(folder)));
  medplib_bytes_free(folder);
  medplib_bytes_free(loaded);
  CHECK(medplib_inspect("no folder", MEDPLIB_PRECISION_FLOAT32, &folder) == MEDPLIB_E_NOT_FOUND);
  REFUSED(medplib_inspect(GOLDENS "ckpt/tiny_seg", 0, &folder));
}

static void verifying_lists_what_is_wrong(void) {
  int32_t count = -1;
  medplib_bytes* problems = NULL;
  CHECK(medplib_verify(GOLDENS "ckpt/tiny_seg", &count, &problems) == MEDPLIB_OK && count == 0);
  CHECK(medplib_bytes_size(problems) == 0);
  medplib_bytes_free(problems);
  CHECK(medplib_verify(GOLDENS "tokenizer", &count, &problems) == MEDPLIB_OK && count > 0);
  int32_t lines = 0;
  for (const char* at = medplib_bytes_data(problems); *at != 0; ++at) lines += *at == '\n';
  CHECK(lines == count);
  medplib_bytes_free(problems);
  CHECK(medplib_verify("no folder", &count, &problems) == MEDPLIB_E_NOT_FOUND);
}

static void the_embedded_models_folder_goes_to_a_buffer(void) {
  char folder[4096];
  size_t needed = 0;
  CHECK(medplib_embedded_model(NULL, 0, &needed) == MEDPLIB_OK && needed > 1 && needed <= sizeof folder);
  folder[0] = 'x';
  CHECK(medplib_embedded_model(folder, needed - 1, NULL) == MEDPLIB_E_INVALID_ARG && folder[0] == 'x');
  CHECK(medplib_embedded_model(folder, needed, NULL) == MEDPLIB_OK && strlen(folder) + 1 == needed);
}

static double memory_of(const medplib_bytes* json) {
  const char *name = "\"memory_bytes\":", *at = strstr(medplib_bytes_data(json), name);
  CHECK(at != NULL);
  return at == NULL ? 0 : strtod(at + strlen(name), NULL);
}

/* How far apart the two see their image, as a part of its embedding's length. */
static double distance_of_embeddings(medplib_session* one, medplib_session* other) {
  size_t count = 0;
  double apart = 0, length = 0;
  CHECK(medplib_embed_image(one, 0, NULL, 0, &count, NULL) == MEDPLIB_OK && count > 0);
  if (count == 0) return 0;
  float *a = malloc(count * sizeof *a), *b = malloc(count * sizeof *b);
  CHECK(medplib_embed_image(one, 0, a, count, NULL, NULL) == MEDPLIB_OK);
  CHECK(medplib_embed_image(other, 0, b, count, NULL, NULL) == MEDPLIB_OK);
  for (size_t i = 0; i < count; ++i) {
    apart += (a[i] - b[i]) * (a[i] - b[i]);
    length += b[i] * b[i];
  }
  free(a);
  free(b);
  return sqrt(apart / length);
}

static void a_session_says_what_it_really_uses(void) {
  medplib_session_options options;
  medplib_session_facts facts;
  medplib_session* session = NULL;
  medplib_session_options_init(&options, sizeof options);
  options.context = 700;
  options.compat = MEDPLIB_COMPAT_REFERENCE;
  CHECK(medplib_session_create(model, &options, &session) == MEDPLIB_OK);
  CHECK(medplib_session_info(session, &facts, sizeof facts) == MEDPLIB_OK);
  CHECK(facts.context == 700 && facts.compat == MEDPLIB_COMPAT_REFERENCE);
  CHECK(facts.precision == MEDPLIB_PRECISION_FLOAT32 && strcmp(facts.device, "cpu") == 0);
  medplib_session_free(session);
}

static void a_model_in_bfloat16_is_smaller_and_about_the_same(void) {
  medplib_load_options options;
  medplib_session_facts facts;
  medplib_model* half = NULL;
  medplib_session *session = NULL, *exact = session_on_the_picture(NULL);
  medplib_image* image = picture();
  medplib_bytes *folder = NULL, *loaded = NULL, *larger = NULL;
  medplib_load_options_init(&options, sizeof options);
  options.device = "cpu";
  options.precision = MEDPLIB_PRECISION_BFLOAT16;
  CHECK(medplib_model_load(GOLDENS "ckpt/tiny_seg", &options, &half) == MEDPLIB_OK);
  CHECK(medplib_session_create(half, NULL, &session) == MEDPLIB_OK);
  CHECK(medplib_session_info(session, &facts, sizeof facts) == MEDPLIB_OK);
  CHECK(facts.precision == MEDPLIB_PRECISION_BFLOAT16);
  CHECK(medplib_inspect(GOLDENS "ckpt/tiny_seg", MEDPLIB_PRECISION_BFLOAT16, &folder) == MEDPLIB_OK);
  CHECK(medplib_model_info_json(half, &loaded) == MEDPLIB_OK);
  CHECK(medplib_model_info_json(model, &larger) == MEDPLIB_OK);
  CHECK(strcmp(medplib_bytes_data(folder), medplib_bytes_data(loaded)) == 0);
  CHECK(memory_of(loaded) > 0 && memory_of(loaded) < memory_of(larger));
  CHECK(medplib_session_set_image(session, image) == MEDPLIB_OK);
  const double apart = distance_of_embeddings(session, exact);
  CHECK(apart > 0 && apart < 0.05);
  medplib_answer_free(answer_with_a_mask(session));
  medplib_bytes_free(folder);
  medplib_bytes_free(loaded);
  medplib_bytes_free(larger);
  medplib_image_free(image);
  medplib_session_free(session);
  medplib_session_free(exact);
  medplib_model_free(half);
}

static void a_session_keeps_its_model_alive(void) {
  loading whole = {0, 0, 0, 0};
  medplib_model* loaded = NULL;
  medplib_session* session = NULL;
  medplib_image* image = picture();
  CHECK(load(&whole, &loaded) == MEDPLIB_OK);
  CHECK(medplib_session_create(loaded, NULL, &session) == MEDPLIB_OK);
  medplib_model_free(loaded);
  CHECK(medplib_session_set_image(session, image) == MEDPLIB_OK);
  medplib_image_free(image);
  medplib_answer* answer = answer_with_a_mask(session);
  medplib_answer_free(answer);
  medplib_session_free(session);
}

/* The messages so far. */
typedef struct {
  int infos, others;
} messages;

static void count_message(void* user, int32_t level, const char* message) {
  messages* seen = user;
  CHECK(message[0] != 0);
  if (level == MEDPLIB_LOG_INFO)
    ++seen->infos;
  else
    ++seen->others;
}

static void messages_of_the_asked_level_come_to_the_callback(void) {
  medplib_model* loaded = NULL;
  loading whole = {0, 0, 0, 0};
  messages loud = {0, 0}, quiet = {0, 0};
  CHECK(medplib_set_log(MEDPLIB_LOG_INFO, count_message, &loud) == MEDPLIB_OK);
  CHECK(load(&whole, &loaded) == MEDPLIB_OK);
  medplib_model_free(loaded);
  CHECK(loud.infos == 1 && loud.others == 0);
  whole.last = 0;
  CHECK(medplib_set_log(MEDPLIB_LOG_WARNING, count_message, &quiet) == MEDPLIB_OK);
  CHECK(load(&whole, &loaded) == MEDPLIB_OK);
  medplib_model_free(loaded);
  CHECK(loud.infos == 1 && quiet.infos == 0 && quiet.others == 0);
  REFUSED(medplib_set_log(MEDPLIB_LOG_SILENT + 1, NULL, NULL));
  REFUSED(medplib_set_log(-1, NULL, NULL));
  CHECK(medplib_set_log(MEDPLIB_LOG_WARNING, NULL, NULL) == MEDPLIB_OK);
}

void test_models(void) {
  versions_are_those_of_the_header();
  codes_have_names();
  the_number_of_threads_can_be_set();
  the_codes_tell_what_to_act_on();
  the_last_error_stays_through_successes_and_is_the_threads_own();
  loading_tells_its_progress_and_can_be_cancelled();
  a_folder_is_inspected_without_loading_it();
  verifying_lists_what_is_wrong();
  the_embedded_models_folder_goes_to_a_buffer();
  a_session_says_what_it_really_uses();
  a_model_in_bfloat16_is_smaller_and_about_the_same();
  a_session_keeps_its_model_alive();
  messages_of_the_asked_level_come_to_the_callback();
}
