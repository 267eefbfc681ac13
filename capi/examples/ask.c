/* Asks about an image: ask IMAGE QUESTION */
#include <medplib.h>
#include <stdio.h>

static int ask(medplib_session* session, const medplib_image* image, const char* question) {
  medplib_answer* answer = NULL;
  if (medplib_session_set_image(session, image) != MEDPLIB_OK ||
      medplib_ask(session, question, NULL, &answer) != MEDPLIB_OK) {
    fprintf(stderr, "ask: %s\n", medplib_last_error());
    return 1;
  }
  printf("%s\n", medplib_answer_text(answer));
  medplib_answer_free(answer);
  return 0;
}

int main(int argc, char** argv) {
  char folder[4096];
  medplib_model* model = NULL;
  medplib_session* session = NULL;
  medplib_image* image = NULL;
  int failed = 1;
  if (argc != 3) {
    fprintf(stderr, "usage: ask IMAGE QUESTION\n");
    return 2;
  }
  if (medplib_embedded_model(folder, sizeof folder, NULL) == MEDPLIB_OK &&
      medplib_model_load(folder, NULL, &model) == MEDPLIB_OK &&
      medplib_session_create(model, NULL, &session) == MEDPLIB_OK &&
      medplib_image_read(argv[1], NULL, &image) == MEDPLIB_OK)
    failed = ask(session, image, argv[2]);
  else
    fprintf(stderr, "ask: %s\n", medplib_last_error());
  medplib_image_free(image);
  medplib_session_free(session);
  medplib_model_free(model);
  return failed;
}
