/*
 * Describes, chats and refines: verbs IMAGE OUT. The texts are printed with a 0 byte behind each. The first
 * masks of the answers in the chat go to OUT/1.png and OUT/2.png, those drawn from a box and from clicks to
 * OUT/boxed.png and OUT/clicked.png.
 */
#include <medplib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(call)                                                    \
  do {                                                                 \
    if ((call) != MEDPLIB_OK) {                                        \
      fprintf(stderr, "verbs: %s: %s\n", #call, medplib_last_error()); \
      exit(1);                                                         \
    }                                                                  \
  } while (0)

static void write_mask(const medplib_mask* mask, const char* folder, const char* name) {
  char path[4096];
  medplib_bytes* png = NULL;
  CHECK(medplib_mask_png(mask, &png));
  snprintf(path, sizeof path, "%s/%s.png", folder, name);
  FILE* file = fopen(path, "wb");
  if (file == NULL || fwrite(medplib_bytes_data(png), 1, medplib_bytes_size(png), file) == 0 ||
      fclose(file) != 0) {
    perror(path);
    exit(1);
  }
  medplib_bytes_free(png);
}

static void say(const medplib_answer* answer) {
  fwrite(medplib_answer_text(answer), 1, strlen(medplib_answer_text(answer)) + 1, stdout);
}

static void describe(medplib_session* session) {
  medplib_region* box = NULL;
  medplib_answer* answer = NULL;
  CHECK(medplib_region_parse("box:20,20,120,120", &box));
  CHECK(medplib_describe(session, box, NULL, &answer));
  say(answer);
  medplib_answer_free(answer);
  medplib_region_free(box);
}

static void chat(medplib_session* session, const char* folder) {
  static const char* const messages[] = {"Please segment the tumour in this medical image.",
                                         "Where does it lie?"};
  static const char* const names[] = {"1", "2"};
  for (int i = 0; i < 2; ++i) {
    medplib_answer* answer = NULL;
    const medplib_mask* mask = NULL;
    CHECK(medplib_chat(session, messages[i], NULL, &answer));
    say(answer);
    if (medplib_answer_mask_count(answer) > 0) {
      CHECK(medplib_answer_mask(answer, 0, &mask));
      write_mask(mask, folder, names[i]);
    }
    medplib_answer_free(answer);
  }
}

static void refine(medplib_session* session, const char* folder) {
  static const double clicks[] = {100, 80, 20, 20};
  static const int32_t inside[] = {1, 0};
  medplib_region* box = NULL;
  medplib_mask *boxed = NULL, *refined = NULL;
  medplib_refine_options options;
  CHECK(medplib_region_parse("box:50,50,150,140", &box));
  CHECK(medplib_refine_options_init(&options, sizeof options));
  options.box = box;
  CHECK(medplib_refine(session, &options, &boxed));
  write_mask(boxed, folder, "boxed");
  CHECK(medplib_refine_options_init(&options, sizeof options));
  options.clicks = clicks;
  options.inside = inside;
  options.click_count = 2;
  CHECK(medplib_refine(session, &options, &refined));
  write_mask(refined, folder, "clicked");
  medplib_mask_free(boxed);
  medplib_mask_free(refined);
  medplib_region_free(box);
}

int main(int argc, char** argv) {
  char model_folder[4096];
  medplib_model* model = NULL;
  medplib_session* session = NULL;
  medplib_image* image = NULL;
  if (argc != 3) return 2;
  CHECK(medplib_embedded_model(model_folder, sizeof model_folder, NULL));
  CHECK(medplib_model_load(model_folder, NULL, &model));
  CHECK(medplib_session_create(model, NULL, &session));
  CHECK(medplib_image_read(argv[1], NULL, &image));
  CHECK(medplib_session_set_image(session, image));
  describe(session);
  chat(session, argv[2]);
  refine(session, argv[2]);
  medplib_image_free(image);
  medplib_session_free(session);
  medplib_model_free(model);
  return 0;
}
