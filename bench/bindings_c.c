/* The same as bindings_core.cpp, through the C interface: bench_c MODEL IMAGE QUESTION */
#include <medplib.h>
#include <stdio.h>
#include <time.h>

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int32_t ask_again_and_again(medplib_session* session, const char* question) {
  int32_t status = MEDPLIB_OK;
  char line[16];
  while (status == MEDPLIB_OK && fgets(line, sizeof line, stdin) != NULL) {
    medplib_answer* answer = NULL;
    const double started = milliseconds();
    status = medplib_ask(session, question, NULL, &answer);
    const char* text = medplib_answer_text(answer);
    const double took = milliseconds() - started;
    if (status == MEDPLIB_OK) printf("%f\t%s\n", took, text);
    fflush(stdout);
    medplib_answer_free(answer);
  }
  return status;
}

int main(int argc, char** argv) {
  medplib_model* model = NULL;
  medplib_session* session = NULL;
  medplib_image* image = NULL;
  int32_t status;
  if (argc != 4) return 2;
  status = medplib_model_load(argv[1], NULL, &model);
  if (status == MEDPLIB_OK) status = medplib_session_create(model, NULL, &session);
  if (status == MEDPLIB_OK) status = medplib_image_read(argv[2], NULL, &image);
  if (status == MEDPLIB_OK) status = medplib_session_set_image(session, image);
  if (status == MEDPLIB_OK) status = ask_again_and_again(session, argv[3]);
  if (status != MEDPLIB_OK) fprintf(stderr, "bench_c: %s\n", medplib_last_error());
  medplib_image_free(image);
  medplib_session_free(session);
  medplib_model_free(model);
  return status == MEDPLIB_OK ? 0 : 1;
}
