/*
 * Answers requests about the embedded model's pictures: answers ask < LIST, or answers segment < LIST. A line
 * of the list is IMAGE, words, REGION and MASK.png, with tabs between them; REGION may be empty. Each text is
 * printed with a 0 byte behind it. Further masks of an answer go to MASK.png-2, MASK.png-3 …
 */
#include <medplib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(call)                                                      \
  do {                                                                   \
    if ((call) != MEDPLIB_OK) {                                          \
      fprintf(stderr, "answers: %s: %s\n", #call, medplib_last_error()); \
      exit(1);                                                           \
    }                                                                    \
  } while (0)

typedef struct {
  char *image, *words, *region, *mask;
} request;

static int next_request(char* line, size_t capacity, request* next) {
  char** const fields[] = {&next->image, &next->words, &next->region, &next->mask};
  if (fgets(line, (int)capacity, stdin) == NULL) return 0;
  line[strcspn(line, "\n")] = 0;
  for (int i = 0; i < 4; ++i) {
    char* tab = strchr(line, '\t');
    *fields[i] = line;
    if (tab == NULL && i < 3) {
      fprintf(stderr, "answers: a line has %d fields instead of 4\n", i + 1);
      exit(2);
    }
    if (tab != NULL) *tab = 0, line = tab + 1;
  }
  return 1;
}

static void show(medplib_session* session, const char* path) {
  static char shown[4096];
  medplib_image* image = NULL;
  if (strcmp(shown, path) == 0) return; /* what is encoded is used again, as in the program medplib */
  CHECK(medplib_image_read(path, NULL, &image));
  CHECK(medplib_session_set_image(session, image));
  medplib_image_free(image);
  snprintf(shown, sizeof shown, "%s", path);
}

static medplib_answer* answer(medplib_session* session, const char* verb, const request* asked) {
  medplib_ask_options options;
  medplib_region* region = NULL;
  medplib_answer* given = NULL;
  CHECK(medplib_ask_options_init(&options, sizeof options));
  if (asked->region[0] != 0) {
    CHECK(medplib_region_parse(asked->region, &region));
    options.regions = (const medplib_region* const*)&region;
    options.region_count = 1;
  }
  if (strcmp(verb, "ask") == 0)
    CHECK(medplib_ask(session, asked->words, &options, &given));
  else
    CHECK(medplib_segment(session, asked->words, &options, &given));
  medplib_region_free(region);
  return given;
}

static void write_masks(const medplib_answer* given, const char* path) {
  for (int32_t i = 0; i < medplib_answer_mask_count(given); ++i) {
    const medplib_mask* mask = NULL;
    medplib_bytes* png = NULL;
    char name[4096];
    CHECK(medplib_answer_mask(given, i, &mask));
    CHECK(medplib_mask_png(mask, &png));
    snprintf(name, sizeof name, i == 0 ? "%s" : "%s-%d", path, (int)i + 1);
    FILE* file = fopen(name, "wb");
    if (file == NULL || fwrite(medplib_bytes_data(png), 1, medplib_bytes_size(png), file) == 0 ||
        fclose(file) != 0) {
      perror(name);
      exit(1);
    }
    medplib_bytes_free(png);
  }
}

int main(int argc, char** argv) {
  char folder[4096], line[16384];
  medplib_model* model = NULL;
  medplib_session* session = NULL;
  request next;
  if (argc != 2) return 2;
  CHECK(medplib_embedded_model(folder, sizeof folder, NULL));
  CHECK(medplib_model_load(folder, NULL, &model));
  CHECK(medplib_session_create(model, NULL, &session));
  while (next_request(line, sizeof line, &next)) {
    show(session, next.image);
    medplib_answer* given = answer(session, argv[1], &next);
    printf("%s%c", medplib_answer_text(given), 0);
    write_masks(given, next.mask);
    medplib_answer_free(given);
  }
  medplib_session_free(session);
  medplib_model_free(model);
  return 0;
}
