/* Structs of the header that a program was compiled with, and of the library that it runs with. */
#include "check.h"

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
  const size_t shorter = offsetof(medplib_session_options, on_layer);
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

static void a_result_of_another_version_is_cut_or_filled_with_zeros(void) {
  struct {
    medplib_session_facts known;
    int64_t later;
  } facts;
  medplib_session* session = NULL;
  CHECK(medplib_session_create(model, NULL, &session) == MEDPLIB_OK);
  fill(&facts, 0xff, sizeof facts);
  CHECK(medplib_session_info(session, &facts.known, sizeof facts) == MEDPLIB_OK);
  CHECK(facts.known.struct_size == sizeof facts && strcmp(facts.known.device, "cpu") == 0 &&
        facts.later == 0);
  fill(&facts, 0xff, sizeof facts);
  CHECK(medplib_session_info(session, &facts.known, offsetof(medplib_session_facts, context)) == MEDPLIB_OK);
  CHECK(strcmp(facts.known.device, "cpu") == 0 && facts.known.context == -1);
  REFUSED(medplib_session_info(session, &facts.known, 12));
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
  a_struct_of_no_possible_size_is_refused();
  a_struct_of_a_later_version_passes_while_its_new_fields_are_zero();
  a_struct_of_an_earlier_version_gets_defaults_for_the_rest();
  zero_is_not_the_default();
  a_result_of_another_version_is_cut_or_filled_with_zeros();
  the_constants_with_a_point_are_what_they_were();
  no_graphs_are_replayed();
}
