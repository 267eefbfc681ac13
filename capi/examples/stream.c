/* Shows an answer while it is made; Ctrl-C ends it: stream IMAGE QUESTION */
#include <medplib.h>
#include <signal.h>
#include <stdio.h>

static medplib_session* session = NULL;

static void on_interrupt(int number) {
  (void)number;
  medplib_session_cancel(session);
}

static int32_t show(void* user, const char* text, size_t length, int64_t token, int32_t index) {
  (void)token, (void)index;
  fwrite(text, 1, length, user);
  return fflush(user) == 0 ? MEDPLIB_CONTINUE : MEDPLIB_CANCEL;
}

static int stream(const medplib_image* image, const char* question) {
  medplib_ask_options options;
  medplib_answer* answer = NULL;
  int32_t status = medplib_session_set_image(session, image);
  medplib_ask_options_init(&options, sizeof options);
  options.on_text = show;
  options.user = stdout;
  if (status == MEDPLIB_OK) status = medplib_ask(session, question, &options, &answer);
  printf("\n");
  if (status != MEDPLIB_OK) fprintf(stderr, "stream: %s\n", medplib_last_error());
  medplib_answer_free(answer);
  return status == MEDPLIB_OK ? 0 : status == MEDPLIB_E_CANCELLED ? 130 : 1;
}

int main(int argc, char** argv) {
  char folder[4096];
  medplib_model* model = NULL;
  medplib_image* image = NULL;
  int failed = 1;
  if (argc != 3) {
    fprintf(stderr, "usage: stream IMAGE QUESTION\n");
    return 2;
  }
  if (medplib_embedded_model(folder, sizeof folder, NULL) == MEDPLIB_OK &&
      medplib_model_load(folder, NULL, &model) == MEDPLIB_OK &&
      medplib_session_create(model, NULL, &session) == MEDPLIB_OK &&
      medplib_image_read(argv[1], NULL, &image) == MEDPLIB_OK) {
    signal(SIGINT, on_interrupt);
    failed = stream(image, argv[2]);
    signal(SIGINT, SIG_DFL);
  } else {
    fprintf(stderr, "stream: %s\n", medplib_last_error());
  }
  medplib_image_free(image);
  medplib_session_free(session);
  medplib_model_free(model);
  return failed;
}
