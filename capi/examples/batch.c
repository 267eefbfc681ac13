/* Asks many questions about one image in one call, a line for each answer: batch IMAGE QUESTION... */
#include <medplib.h>
#include <stdio.h>

static int batch(medplib_session* session, const char* const* questions, size_t count) {
  medplib_answers* answers = NULL;
  int failed = 0;
  if (medplib_ask_many(session, questions, count, NULL, &answers) != MEDPLIB_OK) {
    fprintf(stderr, "batch: %s\n", medplib_last_error());
    return 1;
  }
  for (size_t i = 0; i < count; ++i) {
    const medplib_answer* answer = NULL;
    if (medplib_answers_get(answers, i, &answer) == MEDPLIB_OK) {
      printf("%s\t%s\n", questions[i], medplib_answer_text(answer));
    } else {
      fprintf(stderr, "batch: %s: %s\n", questions[i], medplib_last_error());
      failed = 5; /* some failed, as of the program medplib */
    }
  }
  medplib_answers_free(answers);
  return failed;
}

int main(int argc, char** argv) {
  char folder[4096];
  medplib_model* model = NULL;
  medplib_session* session = NULL;
  medplib_image* image = NULL;
  int failed = 1;
  if (argc < 3) {
    fprintf(stderr, "usage: batch IMAGE QUESTION...\n");
    return 2;
  }
  if (medplib_embedded_model(folder, sizeof folder, NULL) == MEDPLIB_OK &&
      medplib_model_load(folder, NULL, &model) == MEDPLIB_OK &&
      medplib_session_create(model, NULL, &session) == MEDPLIB_OK &&
      medplib_image_read(argv[1], NULL, &image) == MEDPLIB_OK &&
      medplib_session_set_image(session, image) == MEDPLIB_OK)
    failed = batch(session, (const char* const*)argv + 2, (size_t)argc - 2);
  else
    fprintf(stderr, "batch: %s\n", medplib_last_error());
  medplib_image_free(image);
  medplib_session_free(session);
  medplib_model_free(model);
  return failed;
}
