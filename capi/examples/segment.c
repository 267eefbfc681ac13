/* Draws what a phrase names and writes its mask as a PNG file: segment IMAGE PHRASE MASK.png */
#include <medplib.h>
#include <stdio.h>

static int write_file(const char* path, const medplib_bytes* bytes) {
  FILE* file = fopen(path, "wb");
  if (file == NULL) return 0;
  const size_t size = medplib_bytes_size(bytes);
  const int written = fwrite(medplib_bytes_data(bytes), 1, size, file) == size;
  return fclose(file) == 0 && written;
}

static int segment(medplib_session* session, const char* phrase, const char* path) {
  medplib_answer* answer = NULL;
  const medplib_mask* mask = NULL;
  medplib_bytes* png = NULL;
  int64_t area = 0;
  int failed = 1;
  if (medplib_segment(session, phrase, NULL, &answer) != MEDPLIB_OK) {
    fprintf(stderr, "segment: %s\n", medplib_last_error());
  } else if (medplib_answer_mask_count(answer) == 0) {
    fprintf(stderr, "segment: the model sees no %s\n", phrase);
  } else if (medplib_answer_mask(answer, 0, &mask) != MEDPLIB_OK ||
             medplib_mask_area(mask, &area) != MEDPLIB_OK || medplib_mask_png(mask, &png) != MEDPLIB_OK) {
    fprintf(stderr, "segment: %s\n", medplib_last_error());
  } else if (!write_file(path, png)) {
    perror(path);
  } else {
    printf("%s: %lld pixels\n", medplib_mask_label(mask), (long long)area);
    failed = 0;
  }
  medplib_bytes_free(png);
  medplib_answer_free(answer);
  return failed;
}

int main(int argc, char** argv) {
  char folder[4096];
  medplib_model* model = NULL;
  medplib_session* session = NULL;
  medplib_image* image = NULL;
  int failed = 1;
  if (argc != 4) {
    fprintf(stderr, "usage: segment IMAGE PHRASE MASK.png\n");
    return 2;
  }
  if (medplib_embedded_model(folder, sizeof folder, NULL) == MEDPLIB_OK &&
      medplib_model_load(folder, NULL, &model) == MEDPLIB_OK &&
      medplib_session_create(model, NULL, &session) == MEDPLIB_OK &&
      medplib_image_read(argv[1], NULL, &image) == MEDPLIB_OK &&
      medplib_session_set_image(session, image) == MEDPLIB_OK)
    failed = segment(session, argv[2], argv[3]);
  else
    fprintf(stderr, "segment: %s\n", medplib_last_error());
  medplib_image_free(image);
  medplib_session_free(session);
  medplib_model_free(model);
  return failed;
}
