/* NULL in every place that takes a pointer. */
#include "check.h"

static void* const rubbish = &failures; /* what a handle must not stay after an error */

static void null_is_no_struct(void) {
  REFUSED(medplib_load_options_init(NULL, sizeof(medplib_load_options)));
  REFUSED(medplib_image_options_init(NULL, sizeof(medplib_image_options)));
  REFUSED(medplib_session_options_init(NULL, sizeof(medplib_session_options)));
  REFUSED(medplib_ask_options_init(NULL, sizeof(medplib_ask_options)));
  REFUSED(medplib_refine_options_init(NULL, sizeof(medplib_refine_options)));
}

static void null_is_no_model(void) {
  medplib_model* loaded = rubbish;
  medplib_bytes* bytes = rubbish;
  int32_t count = 7;
  CHECK(medplib_model_load(NULL, NULL, &loaded) == MEDPLIB_E_INVALID_ARG && loaded == NULL);
  CHECK(error_mentions("folder"));
  CHECK(medplib_model_load("folder", NULL, NULL) == MEDPLIB_E_INVALID_ARG && error_mentions("model"));
  CHECK(medplib_inspect(NULL, MEDPLIB_PRECISION_FLOAT32, &bytes) == MEDPLIB_E_INVALID_ARG && bytes == NULL);
  REFUSED(medplib_inspect("folder", MEDPLIB_PRECISION_FLOAT32, NULL));
  REFUSED(medplib_verify(NULL, &count, &bytes));
  REFUSED(medplib_verify("folder", NULL, &bytes));
  REFUSED(medplib_verify("folder", &count, NULL));
  REFUSED(medplib_model_info_json(NULL, &bytes));
  REFUSED(medplib_model_info_json(model, NULL));
  REFUSED(medplib_embedded_model(NULL, 1, NULL));
}

static void null_is_no_image(void) {
  medplib_image* image = rubbish;
  medplib_bytes* bytes = rubbish;
  int32_t side = 0;
  CHECK(medplib_image_read(NULL, NULL, &image) == MEDPLIB_E_INVALID_ARG && image == NULL &&
        error_mentions("path"));
  REFUSED(medplib_image_read("file", NULL, NULL));
  REFUSED(medplib_image_decode(NULL, 1, "name", NULL, &image));
  REFUSED(medplib_image_decode("x", 1, NULL, NULL, &image));
  REFUSED(medplib_image_decode("x", 1, "name", NULL, NULL));
  REFUSED(medplib_image_from_pixels(NULL, 1, 1, 1, 1, 1, MEDPLIB_PIXEL_U8, 0, 255, &image));
  REFUSED(medplib_image_from_pixels("x", 1, 1, 1, 1, 1, MEDPLIB_PIXEL_U8, 0, 255, NULL));
  image = picture();
  REFUSED(medplib_image_size(NULL, &side, &side));
  REFUSED(medplib_image_size(image, NULL, &side));
  REFUSED(medplib_image_size(image, &side, NULL));
  REFUSED(medplib_image_info_json(NULL, &bytes));
  REFUSED(medplib_image_info_json(image, NULL));
  REFUSED(medplib_overlay_png(NULL, NULL, 0, NULL, 0, &bytes));
  REFUSED(medplib_overlay_png(image, NULL, 1, NULL, 0, &bytes));
  REFUSED(medplib_overlay_png(image, NULL, 0, NULL, 1, &bytes));
  REFUSED(medplib_overlay_png(image, NULL, 0, NULL, 0, NULL));
  medplib_image_free(image);
}

static void null_is_no_session(void) {
  medplib_session* session = rubbish;
  medplib_session_facts facts;
  const medplib_image* none[1] = {NULL};
  size_t needed = 0;
  CHECK(medplib_session_create(NULL, NULL, &session) == MEDPLIB_E_INVALID_ARG && session == NULL);
  CHECK(medplib_session_create(model, NULL, NULL) == MEDPLIB_E_INVALID_ARG && error_mentions("session"));
  medplib_image* image = picture();
  CHECK(medplib_session_set_image(NULL, image) == MEDPLIB_E_INVALID_ARG && error_mentions("session"));
  REFUSED(medplib_session_set_images(NULL, none, 1));
  REFUSED(medplib_session_info(NULL, &facts, sizeof facts));
  REFUSED(medplib_session_reset_chat(NULL));
  REFUSED(medplib_embed_image(NULL, 0, NULL, 0, &needed, NULL));
  REFUSED(medplib_embed_region(NULL, NULL, NULL, 0, &needed));
  medplib_session_cancel(NULL);

  session = session_on_the_picture(NULL);
  CHECK(medplib_session_set_image(session, NULL) == MEDPLIB_E_INVALID_ARG && error_mentions("image"));
  REFUSED(medplib_session_set_images(session, NULL, 1));
  REFUSED(medplib_session_set_images(session, none, 1));
  REFUSED(medplib_session_set_images(session, none, 0));
  REFUSED(medplib_session_info(session, NULL, sizeof facts));
  REFUSED(medplib_embed_image(session, 0, NULL, 1, &needed, NULL));
  REFUSED(medplib_embed_region(session, NULL, NULL, 0, &needed));
  medplib_session_free(session);
  medplib_image_free(image);
}

static void null_is_no_region(void) {
  medplib_region* region = rubbish;
  CHECK(medplib_region_parse(NULL, &region) == MEDPLIB_E_INVALID_ARG && region == NULL &&
        error_mentions("text"));
  REFUSED(medplib_region_parse("point:1,1", NULL));
  REFUSED(medplib_region_point(1, 1, NULL));
  REFUSED(medplib_region_box(1, 1, 2, 2, NULL));
  REFUSED(medplib_region_polygon(NULL, 3, &region));
  REFUSED(medplib_region_polygon(NULL, 0, &region));
  REFUSED(medplib_region_scribble(NULL, 2, MEDPLIB_SCRIBBLE_THICKNESS, &region));
  REFUSED(medplib_region_mask(NULL, 1, 1, 1, 1, &region));
  medplib_mask* mask = rubbish;
  CHECK(medplib_mask_from_region(NULL, 1, 1, &mask) == MEDPLIB_E_INVALID_ARG && mask == NULL);
}

static void null_is_no_question(void) {
  medplib_answer* answer = rubbish;
  medplib_answers* answers = rubbish;
  medplib_mask* mask = rubbish;
  const char* none[1] = {NULL};
  CHECK(medplib_ask(NULL, "What?", NULL, &answer) == MEDPLIB_E_INVALID_ARG && answer == NULL);
  REFUSED(medplib_segment(NULL, "disc", NULL, &answer));
  REFUSED(medplib_describe(NULL, NULL, NULL, &answer));
  REFUSED(medplib_chat(NULL, "What?", NULL, &answer));
  REFUSED(medplib_refine(NULL, NULL, &mask));
  REFUSED(medplib_ask_many(NULL, none, 1, NULL, &answers));
  REFUSED(medplib_segment_many(NULL, none, 1, NULL, &answers));

  medplib_session* session = session_on_the_picture(NULL);
  CHECK(medplib_ask(session, NULL, NULL, &answer) == MEDPLIB_E_INVALID_ARG && error_mentions("question"));
  CHECK(medplib_ask(session, "What?", NULL, NULL) == MEDPLIB_E_INVALID_ARG && error_mentions("answer"));
  CHECK(medplib_segment(session, NULL, NULL, &answer) == MEDPLIB_E_INVALID_ARG && error_mentions("phrase"));
  REFUSED(medplib_segment(session, "disc", NULL, NULL));
  CHECK(medplib_describe(session, NULL, NULL, &answer) == MEDPLIB_E_INVALID_ARG && error_mentions("region"));
  CHECK(medplib_chat(session, NULL, NULL, &answer) == MEDPLIB_E_INVALID_ARG && error_mentions("message"));
  REFUSED(medplib_refine(session, NULL, NULL));
  REFUSED(medplib_refine(session, NULL, &mask)); /* neither clicks nor a box */
  REFUSED(medplib_ask_many(session, NULL, 1, NULL, &answers));
  CHECK(medplib_ask_many(session, none, 1, NULL, &answers) == MEDPLIB_E_INVALID_ARG && answers == NULL);
  REFUSED(medplib_ask_many(session, none, 0, NULL, NULL));
  REFUSED(medplib_segment_many(session, none, 1, NULL, &answers));
  medplib_refine_options clicks;
  medplib_refine_options_init(&clicks, sizeof clicks);
  clicks.click_count = 1;
  REFUSED(medplib_refine(session, &clicks, &mask));
  medplib_session_free(session);
}

static void null_is_no_answer(void) {
  double number = 0;
  size_t needed = 0;
  medplib_timing timing;
  const medplib_mask* mask = rubbish;
  const medplib_answer* one = rubbish;
  CHECK(medplib_answer_text(NULL) == NULL && medplib_answer_prompt(NULL) == NULL);
  CHECK(medplib_answer_warning(NULL, 0) == NULL && error_mentions("answer"));
  REFUSED(medplib_answer_tokens(NULL, NULL, 0, &needed));
  REFUSED(medplib_answer_warning_count(NULL));
  REFUSED(medplib_answer_finish(NULL));
  REFUSED(medplib_answer_near_ties(NULL));
  REFUSED(medplib_answer_presence(NULL, &number));
  REFUSED(medplib_answer_timing(NULL, &timing, sizeof timing));
  REFUSED(medplib_answer_routing_layers(NULL));
  REFUSED(medplib_answer_routing(NULL, 0, NULL, 0, &needed));
  REFUSED(medplib_answer_mask_count(NULL));
  CHECK(medplib_answer_mask(NULL, 0, &mask) == MEDPLIB_E_INVALID_ARG && mask == NULL);
  CHECK(medplib_answers_get(NULL, 0, &one) == MEDPLIB_E_INVALID_ARG && one == NULL);

  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = answer_with_a_mask(session);
  REFUSED(medplib_answer_presence(answer, NULL));
  REFUSED(medplib_answer_timing(answer, NULL, sizeof timing));
  REFUSED(medplib_answer_tokens(answer, NULL, 1, NULL));
  REFUSED(medplib_answer_routing(answer, 0, NULL, 1, NULL));
  REFUSED(medplib_answer_mask(answer, 0, NULL));
  medplib_answer_free(answer);
  medplib_session_free(session);
}

static void null_is_no_mask(void) {
  int32_t side = 0;
  int64_t area = 0;
  double number = 0;
  size_t needed = 0;
  medplib_bytes* bytes = rubbish;
  medplib_polygons* polygons = rubbish;
  const int32_t* xy = NULL;
  CHECK(medplib_mask_label(NULL) == NULL);
  REFUSED(medplib_mask_size(NULL, &side, &side));
  REFUSED(medplib_mask_threshold(NULL, &number));
  REFUSED(medplib_mask_area(NULL, &area));
  REFUSED(medplib_mask_presence(NULL, &number));
  REFUSED(medplib_mask_iou_estimate(NULL, &number));
  REFUSED(medplib_mask_pixels(NULL, NULL, 0, 1, NULL));
  REFUSED(medplib_mask_logits(NULL, NULL, 0, 1, NULL));
  REFUSED(medplib_mask_embedding(NULL, NULL, 0, &needed));
  CHECK(medplib_mask_rle(NULL, &bytes) == MEDPLIB_E_INVALID_ARG && bytes == NULL);
  REFUSED(medplib_mask_png(NULL, &bytes));
  CHECK(medplib_mask_polygons(NULL, &polygons) == MEDPLIB_E_INVALID_ARG && polygons == NULL);
  REFUSED(medplib_polygons_get(NULL, 0, &xy, &needed));
  CHECK(medplib_polygons_count(NULL) == 0);

  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = answer_with_a_mask(session);
  const medplib_mask* mask = mask_of(answer);
  REFUSED(medplib_mask_size(mask, NULL, &side));
  REFUSED(medplib_mask_size(mask, &side, NULL));
  REFUSED(medplib_mask_threshold(mask, NULL));
  REFUSED(medplib_mask_area(mask, NULL));
  REFUSED(medplib_mask_presence(mask, NULL));
  REFUSED(medplib_mask_iou_estimate(mask, NULL));
  REFUSED(medplib_mask_pixels(mask, NULL, 1, WIDTH, NULL));
  REFUSED(medplib_mask_logits(mask, NULL, 1, WIDTH, NULL));
  REFUSED(medplib_mask_embedding(mask, NULL, 1, NULL));
  REFUSED(medplib_mask_rle(mask, NULL));
  REFUSED(medplib_mask_png(mask, NULL));
  REFUSED(medplib_mask_polygons(mask, NULL));
  medplib_answer_free(answer);
  medplib_session_free(session);
}

static void null_is_nothing_that_options_point_to(void) {
  const double clicks[] = {100, 70};
  const int32_t inside[] = {1};
  const medplib_region* none[1] = {NULL};
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = NULL;
  medplib_mask* mask = NULL;
  medplib_refine_options refine;
  medplib_ask_options ask;
  medplib_refine_options_init(&refine, sizeof refine);
  refine.click_count = 1;
  refine.clicks = clicks;
  CHECK(medplib_refine(session, &refine, &mask) == MEDPLIB_E_INVALID_ARG && error_mentions("options.inside"));
  refine.clicks = NULL;
  refine.inside = inside;
  CHECK(medplib_refine(session, &refine, &mask) == MEDPLIB_E_INVALID_ARG && error_mentions("options.clicks"));
  medplib_ask_options_init(&ask, sizeof ask);
  ask.region_count = 1;
  CHECK(medplib_ask(session, QUESTION, &ask, &answer) == MEDPLIB_E_INVALID_ARG &&
        error_mentions("options.regions"));
  ask.regions = none;
  CHECK(medplib_ask(session, QUESTION, &ask, &answer) == MEDPLIB_E_INVALID_ARG &&
        error_mentions("options.regions"));
  medplib_session_free(session);
}

static void null_may_be_freed(void) {
  medplib_model_free(NULL);
  medplib_image_free(NULL);
  medplib_session_free(NULL);
  medplib_region_free(NULL);
  medplib_answer_free(NULL);
  medplib_answers_free(NULL);
  medplib_mask_free(NULL);
  medplib_polygons_free(NULL);
  medplib_bytes_free(NULL);
  CHECK(medplib_bytes_data(NULL) == NULL && medplib_bytes_size(NULL) == 0);
}

void test_nulls(void) {
  null_is_no_struct();
  null_is_no_model();
  null_is_no_image();
  null_is_no_session();
  null_is_no_region();
  null_is_no_question();
  null_is_no_answer();
  null_is_no_mask();
  null_is_nothing_that_options_point_to();
  null_may_be_freed();
}
