/* Structs of the header that a program was compiled with, and of the library that it runs with. */
#include "check.h"

/* Options of any kind, and the bytes behind them. */
typedef union {
  size_t struct_size;
  medplib_load_options load;
  medplib_image_options image;
  medplib_session_options session;
  medplib_ask_options ask;
  medplib_refine_options refine;
  uint8_t bytes[256];
} any_options;

static medplib_session* imageless = NULL;

static int32_t init_load(any_options* to, size_t size) { return medplib_load_options_init(&to->load, size); }
static int32_t init_image(any_options* to, size_t size) {
  return medplib_image_options_init(&to->image, size);
}
static int32_t init_session(any_options* to, size_t size) {
  return medplib_session_options_init(&to->session, size);
}
static int32_t init_ask(any_options* to, size_t size) { return medplib_ask_options_init(&to->ask, size); }
static int32_t init_refine(any_options* to, size_t size) {
  return medplib_refine_options_init(&to->refine, size);
}

static int32_t use_load(const any_options* options) {
  medplib_model* loaded = NULL;
  return medplib_model_load("no folder", &options->load, &loaded);
}
static int32_t use_image(const any_options* options) {
  medplib_image* image = NULL;
  return medplib_image_read("no file", &options->image, &image);
}
static int32_t use_session(const any_options* options) {
  medplib_session* session = NULL;
  const int32_t status = medplib_session_create(model, &options->session, &session);
  medplib_session_free(session);
  return status;
}
static int32_t use_ask(const any_options* options) {
  medplib_answer* answer = NULL;
  return medplib_ask(imageless, QUESTION, &options->ask, &answer);
}
static int32_t use_refine(const any_options* options) {
  medplib_mask* mask = NULL;
  return medplib_refine(imageless, &options->refine, &mask);
}

/* How each kind is initialised and used, and what a use gives whose options are right. */
static const struct {
  size_t size;
  int32_t (*init)(any_options*, size_t);
  int32_t (*use)(const any_options*);
  int32_t right;
} kinds[] = {
    {sizeof(medplib_load_options), init_load, use_load, MEDPLIB_E_NOT_FOUND},
    {sizeof(medplib_image_options), init_image, use_image, MEDPLIB_E_NOT_FOUND},
    {sizeof(medplib_session_options), init_session, use_session, MEDPLIB_OK},
    {sizeof(medplib_ask_options), init_ask, use_ask, MEDPLIB_E_STATE},
    {sizeof(medplib_refine_options), init_refine, use_refine, MEDPLIB_E_STATE},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void options_of_no_possible_size_are_refused(void) {
  for (int kind = 0; kind < KINDS; ++kind) {
    const size_t impossible[] = {0, 4, kinds[kind].size - 1, kinds[kind].size + 4, 4097, (size_t)-8};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; ++i) {
      any_options options;
      REFUSED(kinds[kind].init(&options, impossible[i]));
      CHECK(kinds[kind].init(&options, kinds[kind].size) == MEDPLIB_OK);
      options.struct_size = impossible[i];
      CHECK(kinds[kind].use(&options) == MEDPLIB_E_INVALID_ARG && error_mentions("struct_size"));
    }
  }
}

static void options_of_a_later_version_pass_while_their_new_fields_are_zero(void) {
  for (int kind = 0; kind < KINDS; ++kind) {
    const size_t size = kinds[kind].size + 8;
    any_options options;
    fill(&options, 0xff, sizeof options);
    CHECK(kinds[kind].init(&options, size) == MEDPLIB_OK && options.struct_size == size);
    for (size_t i = kinds[kind].size; i < size; ++i) CHECK(options.bytes[i] == 0);
    CHECK(options.bytes[size] == 0xff);
    CHECK(kinds[kind].use(&options) == kinds[kind].right);
    options.bytes[size - 1] = 1;
    CHECK(kinds[kind].use(&options) == MEDPLIB_E_VERSION);
  }
}

static void options_of_an_earlier_version_get_defaults_for_the_rest(void) {
  for (int kind = 0; kind < KINDS; ++kind) {
    for (size_t size = sizeof(size_t); size <= kinds[kind].size; size += 8) {
      any_options options;
      fill(&options, 0xff, sizeof options);
      CHECK(kinds[kind].init(&options, size) == MEDPLIB_OK && options.struct_size == size);
      CHECK(options.bytes[size] == 0xff);
      CHECK(kinds[kind].use(&options) == kinds[kind].right);
    }
  }
}

static void reserved_fields_must_be_zero(void) {
  any_options options;
  CHECK(init_load(&options, sizeof options.load) == MEDPLIB_OK);
  options.load.reserved = 1;
  CHECK(use_load(&options) == MEDPLIB_E_VERSION);
  CHECK(init_image(&options, sizeof options.image) == MEDPLIB_OK);
  options.image.reserved = 1;
  CHECK(use_image(&options) == MEDPLIB_E_VERSION);
  CHECK(init_session(&options, sizeof options.session) == MEDPLIB_OK);
  options.session.reserved = 1;
  CHECK(use_session(&options) == MEDPLIB_E_VERSION);
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

  medplib_image_options image_options;
  medplib_image* image = NULL;
  medplib_image_options_init(&image_options, sizeof image_options);
  image_options.sixteen_bit = 0;
  CHECK(medplib_image_read(PICTURE, &image_options, &image) == MEDPLIB_E_INVALID_ARG &&
        error_mentions("sixteen_bit"));

  medplib_ask_options ask;
  medplib_answer* answer = NULL;
  session = session_on_the_picture(NULL);
  medplib_ask_options_init(&ask, sizeof ask);
  ask.max_new_tokens = 0;
  CHECK(medplib_ask(session, "What?", &ask, &answer) == MEDPLIB_E_INVALID_ARG);
  medplib_ask_options_init(&ask, sizeof ask);
  ask.threshold = 0;
  CHECK(medplib_ask(session, "What?", &ask, &answer) == MEDPLIB_E_INVALID_ARG);
  medplib_session_free(session);
}

static medplib_answer* answered = NULL;

static int32_t tell_facts(void* to, size_t size) { return medplib_session_info(imageless, to, size); }
static int32_t tell_timing(void* to, size_t size) { return medplib_answer_timing(answered, to, size); }

static void check_results(int32_t (*tell)(void*, size_t), size_t known) {
  _Alignas(size_t) uint8_t whole[256], told[256];
  const size_t impossible[] = {0, 4, 12, known - 1, 4097, (size_t)-8};
  CHECK(tell(whole, known) == MEDPLIB_OK);
  for (size_t size = sizeof size; size <= known + 16; size += 8) {
    fill(told, 0xff, sizeof told);
    CHECK(tell(told, size) == MEDPLIB_OK);
    CHECK(memcmp(told, &size, sizeof size) == 0);
    for (size_t i = sizeof size; i < sizeof told; ++i)
      CHECK(told[i] == (i >= size ? 0xff : i >= known ? 0 : whole[i]));
  }
  for (size_t i = 0; i < sizeof impossible / sizeof *impossible; ++i) REFUSED(tell(told, impossible[i]));
}

static void results_of_another_version_are_cut_or_filled_with_zeros(void) {
  medplib_session* session = session_on_the_picture(NULL);
  answered = answer_with_a_mask(session);
  check_results(tell_facts, sizeof(medplib_session_facts));
  check_results(tell_timing, sizeof(medplib_timing));
  medplib_answer_free(answered);
  medplib_session_free(session);
}

/* For ever, as what capi/abi/layout.c says of the others. */
static void the_constants_with_a_point_are_what_they_were(void) {
  CHECK(MEDPLIB_SCRIBBLE_THICKNESS == 5.0);
  CHECK(MEDPLIB_THRESHOLD_OF_MODEL == -1.0);
  CHECK(MEDPLIB_NO_PROBABILITY == -1.0);
}

static void no_graphs_are_replayed(void) {
  medplib_session_facts facts;
  medplib_session* session = NULL;
  fill(&facts, 0xff, sizeof facts);
  CHECK(medplib_session_create(model, NULL, &session) == MEDPLIB_OK);
  CHECK(medplib_session_info(session, &facts, sizeof facts) == MEDPLIB_OK);
  CHECK(facts.graphs == 0 && facts.reserved == 0);
  medplib_session_free(session);
}

void test_structs(void) {
  CHECK(medplib_session_create(model, NULL, &imageless) == MEDPLIB_OK);
  options_of_no_possible_size_are_refused();
  options_of_a_later_version_pass_while_their_new_fields_are_zero();
  options_of_an_earlier_version_get_defaults_for_the_rest();
  reserved_fields_must_be_zero();
  zero_is_not_the_default();
  results_of_another_version_are_cut_or_filled_with_zeros();
  the_constants_with_a_point_are_what_they_were();
  no_graphs_are_replayed();
  medplib_session_free(imageless);
}
