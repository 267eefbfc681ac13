/*
 * Asks and refines: asks IMAGE QUESTION. Prints the text, the ids of its tokens, and the bits of the logits
 * of each mask.
 */
#include <inttypes.h>
#include <medplib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(call)                                                   \
  do {                                                                \
    if ((call) != MEDPLIB_OK) {                                       \
      fprintf(stderr, "asks: %s: %s\n", #call, medplib_last_error()); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

static void say_mask(const medplib_mask* mask) {
  int32_t width = 0, height = 0;
  CHECK(medplib_mask_size(mask, &width, &height));
  const size_t count = (size_t)width * (size_t)height;
  float* logits = malloc(count * sizeof *logits);
  CHECK(medplib_mask_logits(mask, logits, count, (size_t)width, NULL));
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits;
    memcpy(&bits, &logits[i], sizeof bits);
    printf("%08" PRIx32, bits);
  }
  printf("\n");
  free(logits);
}

static void ask(medplib_session* session, const char* question) {
  medplib_answer* answer = NULL;
  CHECK(medplib_ask(session, question, NULL, &answer));
  printf("%s\n", medplib_answer_text(answer));
  size_t count = 0;
  int64_t tokens[512];
  CHECK(medplib_answer_tokens(answer, tokens, sizeof tokens / sizeof *tokens, &count));
  for (size_t i = 0; i < count; ++i) printf("%" PRId64 " ", tokens[i]);
  printf("\n");
  for (int32_t i = 0; i < medplib_answer_mask_count(answer); ++i) {
    const medplib_mask* mask = NULL;
    CHECK(medplib_answer_mask(answer, i, &mask));
    say_mask(mask);
  }
  medplib_answer_free(answer);
}

static void refine(medplib_session* session) {
  static const double clicks[] = {100, 80, 20, 20};
  static const int32_t inside[] = {1, 0};
  medplib_mask* mask = NULL;
  medplib_refine_options options;
  CHECK(medplib_refine_options_init(&options, sizeof options));
  options.clicks = clicks;
  options.inside = inside;
  options.click_count = 2;
  CHECK(medplib_refine(session, &options, &mask));
  say_mask(mask);
  medplib_mask_free(mask);
}

int main(int argc, char** argv) {
  char folder[4096];
  medplib_model* model = NULL;
  medplib_session* session = NULL;
  medplib_image* image = NULL;
  if (argc != 3) return 2;
  CHECK(medplib_embedded_model(folder, sizeof folder, NULL));
  CHECK(medplib_model_load(folder, NULL, &model));
  CHECK(medplib_session_create(model, NULL, &session));
  CHECK(medplib_image_read(argv[1], NULL, &image));
  CHECK(medplib_session_set_image(session, image));
  ask(session, argv[2]);
  refine(session);
  medplib_image_free(image);
  medplib_session_free(session);
  medplib_model_free(model);
  return 0;
}
