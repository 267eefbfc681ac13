/* Images, by every way in. */
#include "check.h"

static int size_is(const medplib_image* image, int32_t width, int32_t height) {
  int32_t w = 0, h = 0;
  return medplib_image_size(image, &w, &h) == MEDPLIB_OK && w == width && h == height;
}

static int told_of(const medplib_image* image, const char* fact) {
  medplib_bytes* json = NULL;
  CHECK(medplib_image_info_json(image, &json) == MEDPLIB_OK);
  const int found = strstr(medplib_bytes_data(json), fact) != NULL;
  medplib_bytes_free(json);
  return found;
}

/* The picture as it is seen: the image with nothing drawn on it. */
static medplib_bytes* seen(const medplib_image* image) {
  medplib_bytes* png = NULL;
  CHECK(medplib_overlay_png(image, NULL, 0, NULL, 0, &png) == MEDPLIB_OK);
  return png;
}

static int look_the_same(const medplib_image* one, const medplib_image* other) {
  medplib_bytes *a = seen(one), *b = seen(other);
  const int same = medplib_bytes_size(a) == medplib_bytes_size(b) &&
                   memcmp(medplib_bytes_data(a), medplib_bytes_data(b), medplib_bytes_size(a)) == 0;
  medplib_bytes_free(a);
  medplib_bytes_free(b);
  return same;
}

static void a_file_and_its_bytes_are_the_same_image(void) {
  static unsigned char bytes[1 << 20];
  medplib_image *read = picture(), *decoded = NULL;
  FILE* file = fopen(PICTURE, "rb");
  CHECK(file != NULL);
  const size_t size = file == NULL ? 0 : fread(bytes, 1, sizeof bytes, file);
  if (file != NULL) fclose(file);
  CHECK(medplib_image_decode(bytes, size, "memory", NULL, &decoded) == MEDPLIB_OK);
  CHECK(size_is(read, WIDTH, HEIGHT) && size_is(decoded, WIDTH, HEIGHT) && look_the_same(read, decoded));
  CHECK(told_of(read, "s01_emits_seg_wide.image.png") && told_of(decoded, "\"memory\"") &&
        told_of(decoded, "\"PNG\""));
  medplib_image_free(decoded);
  CHECK(medplib_image_decode(bytes, size / 2, "half", NULL, &decoded) == MEDPLIB_E_FORMAT &&
        decoded == NULL && error_mentions("half"));
  CHECK(medplib_image_decode(bytes, 0, "none", NULL, &decoded) == MEDPLIB_E_FORMAT);
  medplib_image_free(read);
}

static void a_file_that_cannot_be_read_says_why(void) {
  medplib_image* image = NULL;
  medplib_image_options options;
  CHECK(medplib_image_read("no.png", NULL, &image) == MEDPLIB_E_NOT_FOUND && error_mentions("no.png"));
  CHECK(medplib_image_read(__FILE__, NULL, &image) == MEDPLIB_E_FORMAT);
  medplib_image_options_init(&options, sizeof options);
  options.max_pixels = WIDTH * HEIGHT - 1;
  CHECK(medplib_image_read(PICTURE, &options, &image) == MEDPLIB_E_FORMAT && image == NULL);
  medplib_image_options_init(&options, sizeof options);
  options.max_bytes = 10;
  CHECK(medplib_image_read(PICTURE, &options, &image) == MEDPLIB_E_FORMAT);
}

static void pixels_that_do_not_fit_their_bytes_are_refused(void) {
  medplib_image* image = NULL;
  REFUSED(medplib_image_from_pixels("grey", 4, 2, 2, 2, 1, 3, 0, 255, &image));
  REFUSED(medplib_image_from_pixels("grey", 3, 2, 2, 2, 1, MEDPLIB_PIXEL_U8, 0, 255, &image));
  REFUSED(medplib_image_from_pixels("grey", 4, 2, 2, 1, 1, MEDPLIB_PIXEL_U8, 0, 255, &image));
  REFUSED(medplib_image_from_pixels("grey", 4, 2, 2, 2, 2, MEDPLIB_PIXEL_U8, 0, 255, &image));
  REFUSED(medplib_image_from_pixels("grey", 4, 0, 2, 2, 1, MEDPLIB_PIXEL_U8, 0, 255, &image));
  REFUSED(medplib_image_from_pixels("grey", 4, 2, 2, 2, 1, MEDPLIB_PIXEL_U8, 0, 100, &image));
  REFUSED(medplib_image_from_pixels("grey", 4, 2, 2, 2, 1, MEDPLIB_PIXEL_U16, 0, 255, &image));
  REFUSED(medplib_image_from_pixels("grey", 4, 2, 1, 4, 1, MEDPLIB_PIXEL_U16, 255, 255, &image));
  REFUSED(medplib_image_from_pixels("grey", 4, 1, 2, (size_t)-1, 1, MEDPLIB_PIXEL_U16, 0, 255, &image));
}

static void sixteen_bits_are_seen_through_their_window(void) {
  const uint16_t deep[4] = {900, 1000, 1100, 1400};
  const uint8_t flat[4] = {0, 0, 100, 255};
  medplib_image *windowed = NULL, *bytes = NULL;
  CHECK(medplib_image_from_pixels(deep, sizeof deep, 4, 1, sizeof deep, 1, MEDPLIB_PIXEL_U16, 1000, 1255,
                                  &windowed) == MEDPLIB_OK);
  CHECK(medplib_image_from_pixels(flat, sizeof flat, 4, 1, sizeof flat, 1, MEDPLIB_PIXEL_U8, 0, 255,
                                  &bytes) == MEDPLIB_OK);
  CHECK(look_the_same(windowed, bytes));
  CHECK(told_of(windowed, "\"bits\":16") && told_of(windowed, "\"window_low\":1000"));
  medplib_image_free(windowed);
  medplib_image_free(bytes);
}

static void several_images_stand_in_one_prompt(void) {
  medplib_image* image = picture();
  const medplib_image* both[2] = {image, image};
  medplib_session* session = NULL;
  medplib_session_options options;
  medplib_session_options_init(&options, sizeof options);
  options.context = 1500;
  CHECK(medplib_session_create(model, &options, &session) == MEDPLIB_OK);
  CHECK(medplib_session_set_images(session, both, 2) == MEDPLIB_OK);
  medplib_answer* answer = NULL;
  CHECK(medplib_ask(session, QUESTION, NULL, &answer) == MEDPLIB_OK);
  medplib_timing timing;
  CHECK(medplib_answer_timing(answer, &timing, sizeof timing) == MEDPLIB_OK);
  CHECK(timing.prompt_tokens > 2 * 576);
  medplib_answer_free(answer);
  medplib_session_free(session);
  medplib_image_free(image);
}

void test_images(void) {
  a_file_and_its_bytes_are_the_same_image();
  a_file_that_cannot_be_read_says_why();
  pixels_that_do_not_fit_their_bytes_are_refused();
  sixteen_bits_are_seen_through_their_window();
  several_images_stand_in_one_prompt();
}
