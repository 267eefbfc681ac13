/* What is odd about PICTURE and REGION, a line each: as an answer has it, and as the log has it of refine
 * with a click at X, Y and the region as mask or box, and of embed_region. */
#include <medplib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(int32_t code) {
  if (code == MEDPLIB_OK) return;
  fprintf(stderr, "%s\n", medplib_last_error());
  exit(1);
}

static void print_log(void* user, int32_t level, const char* message) {
  (void)level;
  printf("%s: %s\n", (const char*)user, message);
}

static void ask(medplib_session* session, const medplib_region* region) {
  medplib_ask_options options;
  medplib_answer* answer;
  need(medplib_ask_options_init(&options, sizeof options));
  options.max_new_tokens = 1;
  options.regions = &region;
  options.region_count = 1;
  need(medplib_ask(session, "What is this?", &options, &answer));
  for (int32_t i = 0; i < medplib_answer_warning_count(answer); ++i)
    printf("ask: %s\n", medplib_answer_warning(answer, i));
  medplib_answer_free(answer);
}

static void refine(medplib_session* session, const char* kind, const medplib_region* region,
                   const double* click, int32_t width, int32_t height) {
  const int32_t inside = 1;
  medplib_refine_options options;
  medplib_mask *mask, *better;
  need(medplib_refine_options_init(&options, sizeof options));
  need(medplib_mask_from_region(region, width, height, &mask));
  options.clicks = click;
  options.inside = &inside;
  options.click_count = 1;
  if (strncmp(kind, "box:", 4) == 0)
    options.box = region;
  else
    options.mask = mask;
  need(medplib_refine(session, &options, &better));
  medplib_mask_free(better);
  medplib_mask_free(mask);
}

int main(int count, char** arguments) {
  if (count != 5) return 2;
  char folder[4096];
  medplib_model* model;
  medplib_session* session;
  medplib_image* image;
  medplib_region* region;
  int32_t width, height;
  float embedding[4096];
  const double click[] = {atof(arguments[3]), atof(arguments[4])};
  need(medplib_embedded_model(folder, sizeof folder, NULL));
  need(medplib_model_load(folder, NULL, &model));
  need(medplib_session_create(model, NULL, &session));
  need(medplib_image_read(arguments[1], NULL, &image));
  need(medplib_image_size(image, &width, &height));
  need(medplib_session_set_image(session, image));
  need(medplib_region_parse(arguments[2], &region));
  need(medplib_set_log(MEDPLIB_LOG_WARNING, print_log, "refine"));
  ask(session, region);
  refine(session, arguments[2], region, click, width, height);
  need(medplib_set_log(MEDPLIB_LOG_WARNING, print_log, "embed"));
  size_t needed;
  need(medplib_embed_region(session, region, embedding, sizeof embedding / sizeof *embedding, &needed));
  medplib_region_free(region);
  medplib_image_free(image);
  medplib_session_free(session);
  medplib_model_free(model);
  return 0;
}
