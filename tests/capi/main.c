/* The C interface as a C program uses it: each test is a function. */
#include "check.h"

int failures = 0;
medplib_model* model = NULL;

void fill(void* bytes, int value, size_t count) {
  for (size_t i = 0; i < count; ++i) ((uint8_t*)bytes)[i] = (uint8_t)value;
}

int error_mentions(const char* word) { return strstr(medplib_last_error(), word) != NULL; }

medplib_image* picture(void) {
  medplib_image* image = NULL;
  CHECK(medplib_image_read(PICTURE, NULL, &image) == MEDPLIB_OK);
  return image;
}

medplib_session* session_on_the_picture(const medplib_session_options* options) {
  medplib_session* session = NULL;
  medplib_image* image = picture();
  CHECK(medplib_session_create(model, options, &session) == MEDPLIB_OK);
  CHECK(medplib_session_set_image(session, image) == MEDPLIB_OK);
  medplib_image_free(image);
  return session;
}

medplib_answer* answer_with_a_mask(medplib_session* session) {
  medplib_answer* answer = NULL;
  CHECK(medplib_ask(session, QUESTION, NULL, &answer) == MEDPLIB_OK);
  CHECK(medplib_answer_mask_count(answer) == 1);
  return answer;
}

const medplib_mask* mask_of(const medplib_answer* answer) {
  const medplib_mask* mask = NULL;
  CHECK(medplib_answer_mask(answer, 0, &mask) == MEDPLIB_OK && mask != NULL);
  return mask;
}

int main(void) {
  medplib_load_options options;
  medplib_load_options_init(&options, sizeof options);
  options.device = "cpu";
  if (medplib_model_load(GOLDENS "ckpt/tiny_seg", &options, &model) != MEDPLIB_OK) {
    fprintf(stderr, "%s\n", medplib_last_error());
    return 1;
  }
  test_structs();
  test_nulls();
  test_models();
  test_images();
  test_regions();
  test_answers();
  test_masks();
  test_callbacks();
  test_cancelling();
  test_threads();
  medplib_model_free(model);
  return failures == 0 ? 0 : 1;
}
