/* What is asked of IMAGE with TEXT, by ask and by segment, in REGION if one is given: the prompt and the
 * label of the first mask with its area, a line each, or why it was refused. */
#include <inttypes.h>
#include <medplib.h>
#include <stdio.h>
#include <stdlib.h>

static void need(int32_t code) {
  if (code == MEDPLIB_OK) return;
  fprintf(stderr, "%s\n", medplib_last_error());
  exit(1);
}

static void print(const char* verb, int32_t code, medplib_answer* answer) {
  if (code != MEDPLIB_OK) {
    printf("%s refused: %s\n", verb, medplib_last_error());
    return;
  }
  printf("%s prompt: %s\n", verb, medplib_answer_prompt(answer));
  if (medplib_answer_mask_count(answer) > 0) {
    const medplib_mask* mask;
    int64_t area;
    need(medplib_answer_mask(answer, 0, &mask));
    need(medplib_mask_area(mask, &area));
    printf("%s mask: %s, %" PRId64 "\n", verb, medplib_mask_label(mask), area);
  }
  medplib_answer_free(answer);
}

int main(int count, char** arguments) {
  if (count != 3 && count != 4) return 2;
  char folder[4096];
  medplib_model* model;
  medplib_session* session;
  medplib_session_options options;
  medplib_ask_options asking;
  medplib_image* image;
  medplib_region* region = NULL;
  medplib_answer* answer = NULL;
  need(medplib_embedded_model(folder, sizeof folder, NULL));
  need(medplib_model_load(folder, NULL, &model));
  need(medplib_session_options_init(&options, sizeof options));
  need(medplib_session_create(model, &options, &session));
  need(medplib_image_read(arguments[1], NULL, &image));
  need(medplib_session_set_image(session, image));
  need(medplib_ask_options_init(&asking, sizeof asking));
  asking.max_new_tokens = 8;
  if (count == 4) {
    need(medplib_region_parse(arguments[3], &region));
    asking.regions = (const medplib_region* const*)&region;
    asking.region_count = 1;
  }
  print("ask", medplib_ask(session, arguments[2], &asking, &answer), answer);
  print("segment", medplib_segment(session, arguments[2], &asking, &answer), answer);
  medplib_region_free(region);
  medplib_image_free(image);
  medplib_session_free(session);
  medplib_model_free(model);
  return 0;
}
