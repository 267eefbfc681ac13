/* The C interface as a C program uses it: each test is a function. */
#include "medplib.h"

#include <pthread.h>
#include <source_folder.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                                                      \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      ++failures;                                                                             \
      fprintf(stderr, "%s:%d: %s is false; last error: %s\n", __FILE__, __LINE__, #condition, \
              medplib_last_error());                                                          \
    }                                                                                         \
  } while (0)

#define GOLDENS MEDPLIB_SOURCE_FOLDER "/tests/goldens/"

static void fill(void* bytes, int value, size_t count) {
  for (size_t i = 0; i < count; ++i) ((uint8_t*)bytes)[i] = (uint8_t)value;
}

static medplib_model* model = NULL; /* shared by the tests, as by the sessions of a program */

static medplib_session* session_on_the_image(void) {
  medplib_session* session = NULL;
  CHECK(medplib_session_create(model, NULL, &session) == MEDPLIB_OK);
  CHECK(medplib_session_set_image(session, GOLDENS "cases/s01_emits_seg_wide.image.png") == MEDPLIB_OK);
  return session;
}

static int error_mentions(const char* word) { return strstr(medplib_last_error(), word) != NULL; }

static void versions_are_those_of_the_header(void) {
  CHECK(medplib_abi_version() == MEDPLIB_ABI_VERSION);
  CHECK(strcmp(medplib_version(), MEDPLIB_VERSION) == 0);
}

static void null_is_refused_everywhere_with_the_arguments_name(void) {
  medplib_model* loaded = (medplib_model*)&failures;
  CHECK(medplib_model_load(NULL, NULL, &loaded) == MEDPLIB_E_INVALID_ARG && loaded == NULL);
  CHECK(error_mentions("folder"));
  CHECK(medplib_model_load("folder", NULL, NULL) == MEDPLIB_E_INVALID_ARG && error_mentions("model"));

  medplib_session* session = (medplib_session*)&failures;
  CHECK(medplib_session_create(NULL, NULL, &session) == MEDPLIB_E_INVALID_ARG && session == NULL);
  CHECK(medplib_session_create(model, NULL, NULL) == MEDPLIB_E_INVALID_ARG && error_mentions("session"));
  CHECK(medplib_session_set_image(NULL, "image.png") == MEDPLIB_E_INVALID_ARG && error_mentions("session"));
  CHECK(medplib_session_set_image_pixels(NULL, "", 1, 1, 1, 1, 1, MEDPLIB_PIXEL_U8) == MEDPLIB_E_INVALID_ARG);

  medplib_region* region = (medplib_region*)&failures;
  CHECK(medplib_region_parse(NULL, &region) == MEDPLIB_E_INVALID_ARG && region == NULL &&
        error_mentions("text"));
  CHECK(medplib_region_parse("point:1,1", NULL) == MEDPLIB_E_INVALID_ARG);

  medplib_answer* answer = (medplib_answer*)&failures;
  CHECK(medplib_ask(NULL, "What?", NULL, &answer) == MEDPLIB_E_INVALID_ARG && answer == NULL);
  CHECK(medplib_segment(NULL, "disc", NULL, &answer) == MEDPLIB_E_INVALID_ARG && answer == NULL);
  CHECK(medplib_answer_text(NULL) == NULL && error_mentions("answer"));
  CHECK(medplib_answer_mask_count(NULL) == MEDPLIB_E_INVALID_ARG);

  const medplib_mask* mask = (const medplib_mask*)&failures;
  int32_t side = 0;
  CHECK(medplib_answer_mask(NULL, 0, &mask) == MEDPLIB_E_INVALID_ARG && mask == NULL);
  CHECK(medplib_mask_size(NULL, &side, &side) == MEDPLIB_E_INVALID_ARG && error_mentions("mask"));
  CHECK(medplib_mask_pixels(NULL, NULL, 0, 1, NULL) == MEDPLIB_E_INVALID_ARG);

  CHECK(medplib_load_options_init(NULL, sizeof(medplib_load_options)) == MEDPLIB_E_INVALID_ARG);
  CHECK(medplib_session_options_init(NULL, sizeof(medplib_session_options)) == MEDPLIB_E_INVALID_ARG);
  CHECK(medplib_ask_options_init(NULL, sizeof(medplib_ask_options)) == MEDPLIB_E_INVALID_ARG);

  session = session_on_the_image();
  CHECK(medplib_session_set_image(session, NULL) == MEDPLIB_E_INVALID_ARG && error_mentions("path"));
  CHECK(medplib_session_set_image_pixels(session, NULL, 1, 1, 1, 1, 1, MEDPLIB_PIXEL_U8) ==
        MEDPLIB_E_INVALID_ARG);
  CHECK(medplib_ask(session, NULL, NULL, &answer) == MEDPLIB_E_INVALID_ARG && error_mentions("question"));
  CHECK(medplib_ask(session, "What?", NULL, NULL) == MEDPLIB_E_INVALID_ARG && error_mentions("answer"));
  CHECK(medplib_segment(session, NULL, NULL, &answer) == MEDPLIB_E_INVALID_ARG && error_mentions("phrase"));
  CHECK(medplib_segment(session, "disc", NULL, NULL) == MEDPLIB_E_INVALID_ARG);
  medplib_session_free(session);

  medplib_model_free(NULL);
  medplib_session_free(NULL);
  medplib_region_free(NULL);
  medplib_answer_free(NULL);
}

static void a_struct_of_no_possible_size_is_refused(void) {
  medplib_load_options options;
  medplib_model* loaded = NULL;
  const size_t impossible[] = {0, 4, sizeof options - 1, 4097, (size_t)-8};
  for (size_t i = 0; i < sizeof impossible / sizeof *impossible; ++i) {
    CHECK(medplib_load_options_init(&options, impossible[i]) == MEDPLIB_E_INVALID_ARG);
    CHECK(medplib_load_options_init(&options, sizeof options) == MEDPLIB_OK);
    options.struct_size = impossible[i];
    CHECK(medplib_model_load("no folder", &options, &loaded) == MEDPLIB_E_INVALID_ARG &&
          error_mentions("struct_size"));
  }
}

static void a_struct_of_a_later_version_passes_while_its_new_fields_are_zero(void) {
  struct {
    medplib_load_options known;
    int64_t later;
  } options;
  medplib_model* loaded = NULL;
  fill(&options, 0xff, sizeof options);
  CHECK(medplib_load_options_init(&options.known, sizeof options) == MEDPLIB_OK);
  CHECK(options.known.struct_size == sizeof options && options.later == 0);
  CHECK(medplib_model_load("no folder", &options.known, &loaded) == MEDPLIB_E_NOT_FOUND);
  options.later = 1;
  CHECK(medplib_model_load("no folder", &options.known, &loaded) == MEDPLIB_E_VERSION);
  options.later = 0;
  options.known.reserved = 1;
  CHECK(medplib_model_load("no folder", &options.known, &loaded) == MEDPLIB_E_VERSION);
}

static void a_struct_of_an_earlier_version_gets_defaults_for_the_rest(void) {
  medplib_session_options options;
  medplib_session* session = NULL;
  fill(&options, 0xff, sizeof options);
  const size_t shorter = offsetof(medplib_session_options, compat);
  CHECK(medplib_session_options_init(&options, shorter) == MEDPLIB_OK);
  CHECK(options.struct_size == shorter && options.context == MEDPLIB_CONTEXT_OF_MODEL &&
        options.compat == -1);
  CHECK(medplib_session_create(model, &options, &session) == MEDPLIB_OK);
  medplib_session_free(session);
}

static void zero_is_not_the_default(void) {
  medplib_load_options load;
  medplib_model* loaded = NULL;
  medplib_load_options_init(&load, sizeof load);
  load.precision = 0;
  CHECK(medplib_model_load("no folder", &load, &loaded) == MEDPLIB_E_INVALID_ARG &&
        error_mentions("precision"));
  medplib_load_options_init(&load, sizeof load);
  load.device = NULL;
  CHECK(medplib_model_load("no folder", &load, &loaded) == MEDPLIB_E_INVALID_ARG && error_mentions("device"));

  medplib_session_options options;
  medplib_session* session = NULL;
  medplib_session_options_init(&options, sizeof options);
  options.context = 0;
  CHECK(medplib_session_create(model, &options, &session) == MEDPLIB_E_INVALID_ARG &&
        error_mentions("context"));
  medplib_session_options_init(&options, sizeof options);
  options.compat = 0;
  CHECK(medplib_session_create(model, &options, &session) == MEDPLIB_E_INVALID_ARG &&
        error_mentions("compat"));

  medplib_ask_options ask;
  medplib_answer* answer = NULL;
  session = session_on_the_image();
  medplib_ask_options_init(&ask, sizeof ask);
  ask.max_new_tokens = 0;
  CHECK(medplib_ask(session, "What?", &ask, &answer) == MEDPLIB_E_INVALID_ARG);
  medplib_ask_options_init(&ask, sizeof ask);
  ask.threshold = 0;
  CHECK(medplib_ask(session, "What?", &ask, &answer) == MEDPLIB_E_INVALID_ARG);
  medplib_session_free(session);
}

static void the_codes_tell_what_to_act_on(void) {
  medplib_model* loaded = NULL;
  medplib_region* region = NULL;
  medplib_answer* answer = NULL;
  medplib_session* session = NULL;
  CHECK(medplib_model_load("no/such/folder", NULL, &loaded) == MEDPLIB_E_NOT_FOUND &&
        error_mentions("no/such/folder"));
  CHECK(medplib_region_parse("circle:1,2", &region) == MEDPLIB_E_INVALID_ARG);
  CHECK(medplib_session_create(model, NULL, &session) == MEDPLIB_OK);
  CHECK(medplib_ask(session, "What is this?", NULL, &answer) == MEDPLIB_E_STATE);
  CHECK(medplib_session_set_image(session, "no.png") == MEDPLIB_E_NOT_FOUND && error_mentions("no.png"));
  CHECK(medplib_session_set_image(session, __FILE__) == MEDPLIB_E_FORMAT);
  CHECK(medplib_session_set_image_pixels(session, "grey", 4, 2, 2, 2, 1, MEDPLIB_PIXEL_U8 + 1) ==
        MEDPLIB_E_INVALID_ARG);
  CHECK(medplib_session_set_image_pixels(session, "grey", 3, 2, 2, 2, 1, MEDPLIB_PIXEL_U8) ==
        MEDPLIB_E_INVALID_ARG);
  CHECK(medplib_session_set_image_pixels(session, "grey", 4, 2, 2, 2, 1, MEDPLIB_PIXEL_U8) == MEDPLIB_OK);
  medplib_session_free(session);
}

static void a_region_outside_the_image_is_refused_and_one_inside_asked_about(void) {
  medplib_session* session = session_on_the_image();
  medplib_region* regions[2] = {NULL, NULL};
  medplib_answer* answer = NULL;
  medplib_ask_options options;
  medplib_ask_options_init(&options, sizeof options);
  options.regions = (const medplib_region* const*)regions;
  options.region_count = 1;
  CHECK(medplib_ask(session, "What is this?", &options, &answer) == MEDPLIB_E_INVALID_ARG);
  CHECK(medplib_region_parse("box:10000,10000,10010,10010", &regions[0]) == MEDPLIB_OK);
  CHECK(medplib_ask(session, "What is this?", &options, &answer) == MEDPLIB_E_INVALID_ARG && answer == NULL);
  medplib_region_free(regions[0]);
  CHECK(medplib_region_parse("box:20,20,120,120", &regions[0]) == MEDPLIB_OK);
  CHECK(medplib_region_parse("point:60,60", &regions[1]) == MEDPLIB_OK);
  options.region_count = 2;
  options.max_new_tokens = 4;
  CHECK(medplib_ask(session, "What is this?", &options, &answer) == MEDPLIB_OK);
  medplib_answer_free(answer);
  medplib_region_free(regions[0]);
  medplib_region_free(regions[1]);
  medplib_session_free(session);
}

/* Compares the mask read into rows with gaps with the mask read without. */
static void check_pixels(const medplib_mask* mask) {
  enum {
    WIDTH = 330,
    HEIGHT = 150,
    PIXELS = WIDTH * HEIGHT,
    STRIDE = 333,
    SPREAD = (HEIGHT - 1) * STRIDE + WIDTH
  };
  static uint8_t packed[PIXELS], rows[SPREAD];
  int32_t width = 0, height = 0;
  size_t needed = 0;
  fill(packed, 7, sizeof packed);
  fill(rows, 7, sizeof rows);
  CHECK(medplib_mask_size(mask, &width, &height) == MEDPLIB_OK && width == WIDTH && height == HEIGHT);
  CHECK(medplib_mask_pixels(mask, NULL, 0, WIDTH, &needed) == MEDPLIB_OK && needed == PIXELS);
  CHECK(medplib_mask_pixels(mask, NULL, 0, WIDTH - 1, &needed) == MEDPLIB_E_INVALID_ARG &&
        error_mentions("stride"));
  CHECK(medplib_mask_pixels(mask, NULL, 0, (size_t)-1, &needed) == MEDPLIB_E_INVALID_ARG);
  CHECK(medplib_mask_pixels(mask, packed, PIXELS - 1, WIDTH, &needed) == MEDPLIB_E_INVALID_ARG &&
        packed[0] == 7);
  CHECK(medplib_mask_pixels(mask, packed, PIXELS, WIDTH, NULL) == MEDPLIB_OK);
  CHECK(medplib_mask_pixels(mask, rows, SPREAD, STRIDE, &needed) == MEDPLIB_OK && needed == SPREAD);
  int inside = 0, different = 0;
  for (size_t y = 0; y < HEIGHT; ++y) {
    for (size_t x = 0; x < WIDTH; ++x) {
      inside += packed[y * WIDTH + x] == 1;
      different += packed[y * WIDTH + x] > 1 || packed[y * WIDTH + x] != rows[y * STRIDE + x];
    }
  }
  CHECK(different == 0);
  CHECK(inside > 0 && inside < PIXELS);
  CHECK(rows[WIDTH] == 7);
}

static void an_answer_has_text_and_masks_and_outlives_its_session(void) {
  medplib_session* session = session_on_the_image();
  medplib_answer* answer = NULL;
  const medplib_mask* mask = NULL;
  CHECK(medplib_ask(session, "Please segment the tumour in this MRI image.", NULL, &answer) == MEDPLIB_OK);
  medplib_session_free(session);
  CHECK(medplib_answer_text(answer) != NULL);
  CHECK(medplib_answer_mask_count(answer) == 1);
  CHECK(medplib_answer_mask(answer, 1, &mask) == MEDPLIB_E_INVALID_ARG && mask == NULL);
  CHECK(medplib_answer_mask(answer, -1, &mask) == MEDPLIB_E_INVALID_ARG);
  CHECK(medplib_answer_mask(answer, 0, &mask) == MEDPLIB_OK);
  if (mask != NULL) check_pixels(mask);
  medplib_answer_free(answer);
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

static void segmenting_goes_by_the_phrase(void) {
  medplib_session* session = session_on_the_image();
  medplib_answer* answer = NULL;
  CHECK(medplib_segment(session, "tumour", NULL, &answer) == MEDPLIB_OK);
  CHECK(medplib_answer_mask_count(answer) >= 0);
  medplib_answer_free(answer);
  CHECK(medplib_segment(session, "", NULL, &answer) == MEDPLIB_E_INVALID_ARG && answer == NULL);
  medplib_session_free(session);
}

static void a_session_keeps_its_model_alive(void) {
  medplib_model* loaded = NULL;
  medplib_session* session = NULL;
  medplib_answer* answer = NULL;
  uint8_t grey[64 * 48];
  fill(grey, 90, sizeof grey);
  CHECK(medplib_model_load(GOLDENS "ckpt/tiny_seg", NULL, &loaded) == MEDPLIB_OK);
  CHECK(medplib_session_create(loaded, NULL, &session) == MEDPLIB_OK);
  medplib_model_free(loaded);
  CHECK(medplib_session_set_image_pixels(session, grey, sizeof grey, 64, 48, 64, 1, MEDPLIB_PIXEL_U8) ==
        MEDPLIB_OK);
  CHECK(medplib_ask(session, "Segment it.", NULL, &answer) == MEDPLIB_OK);
  medplib_answer_free(answer);
  medplib_session_free(session);
}

int main(void) {
  medplib_load_options options;
  medplib_load_options_init(&options, sizeof options);
  options.device = "cpu";
  if (medplib_model_load(GOLDENS "ckpt/tiny_seg", &options, &model) != MEDPLIB_OK) {
    fprintf(stderr, "%s\n", medplib_last_error());
    return 1;
  }
  versions_are_those_of_the_header();
  null_is_refused_everywhere_with_the_arguments_name();
  a_struct_of_no_possible_size_is_refused();
  a_struct_of_a_later_version_passes_while_its_new_fields_are_zero();
  a_struct_of_an_earlier_version_gets_defaults_for_the_rest();
  zero_is_not_the_default();
  the_codes_tell_what_to_act_on();
  the_last_error_stays_through_successes_and_is_the_threads_own();
  a_region_outside_the_image_is_refused_and_one_inside_asked_about();
  an_answer_has_text_and_masks_and_outlives_its_session();
  segmenting_goes_by_the_phrase();
  a_session_keeps_its_model_alive();
  medplib_model_free(model);
  return failures == 0 ? 0 : 1;
}
