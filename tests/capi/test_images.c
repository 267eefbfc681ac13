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
  CHECK(medplib_image_decode(bytes, size / 2, "half", NULL, &decoded) == MEDPLIB_E_FORMAT &&
        decoded == NULL && error_mentions("half"));
  CHECK(medplib_image_decode(bytes, 0, "none", NULL, &decoded) == MEDPLIB_E_FORMAT);
  CHECK(medplib_image_decode(bytes, size, "memory", NULL, &decoded) == MEDPLIB_OK);
  fill(bytes, 0, sizeof bytes); /* they are the caller's again */
  CHECK(size_is(read, WIDTH, HEIGHT) && size_is(decoded, WIDTH, HEIGHT) && look_the_same(read, decoded));
  CHECK(told_of(read, "s01_emits_seg_wide.image.png") && told_of(decoded, "\"memory\"") &&
        told_of(decoded, "\"PNG\""));
  medplib_image_free(decoded);
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

static void pixels_are_the_callers_again_afterwards(void) {
  struct {
    int32_t channels, type;
    double high;
  } const kinds[] = {{1, MEDPLIB_PIXEL_U8, 255},
                     {3, MEDPLIB_PIXEL_U8, 255},
                     {4, MEDPLIB_PIXEL_U8, 255},
                     {1, MEDPLIB_PIXEL_U16, 65535},
                     {3, MEDPLIB_PIXEL_U16, 65535}};
  enum { SIDE = 2 };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    const size_t row = SIDE * (size_t)(kinds[i].channels * (kinds[i].type == MEDPLIB_PIXEL_U16 ? 2 : 1));
    uint16_t untouched[SIDE * SIDE * 4], used[SIDE * SIDE * 4];
    for (size_t j = 0; j < SIDE * SIDE * 4; ++j) untouched[j] = used[j] = (uint16_t)(j * 4001);
    medplib_image* images[2] = {NULL, NULL};
    CHECK(medplib_image_from_pixels(used, SIDE * row, SIDE, SIDE, row, kinds[i].channels, kinds[i].type, 0,
                                    kinds[i].high, &images[0]) == MEDPLIB_OK);
    fill(used, 255, sizeof used);
    CHECK(medplib_image_from_pixels(untouched, SIDE * row, SIDE, SIDE, row, kinds[i].channels, kinds[i].type,
                                    0, kinds[i].high, &images[1]) == MEDPLIB_OK);
    CHECK(look_the_same(images[0], images[1]));
    medplib_image_free(images[0]);
    medplib_image_free(images[1]);
  }
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

/* A TIFF file of one row of 16-bit grey values, in the machine's byte order if that is Intel's. */
static medplib_image* from_tiff(const uint16_t row[4], const medplib_image_options* options) {
  uint16_t file[] = {0x4949, 42, 8,      0,      9,         /* Intel's byte order; 9 tags from byte 8 on */
                     256,    3,  1,      0,      4,      0, /* width */
                     257,    3,  1,      0,      1,      0, /* height */
                     258,    3,  1,      0,      16,     0, /* bits */
                     259,    3,  1,      0,      1,      0, /* not compressed */
                     262,    3,  1,      0,      1,      0, /* 0 is black */
                     273,    4,  1,      0,      122,    0, /* where the values are */
                     277,    3,  1,      0,      1,      0, /* channels */
                     278,    3,  1,      0,      1,      0, /* rows in a strip */
                     279,    4,  1,      0,      8,      0, /* bytes of it */
                     0,      0,  row[0], row[1], row[2], row[3]};
  medplib_image* image = NULL;
  CHECK(medplib_image_decode(file, sizeof file, "deep", options, &image) == MEDPLIB_OK);
  return image;
}

static medplib_image* from_bytes(const uint8_t row[4]) {
  medplib_image* image = NULL;
  CHECK(medplib_image_from_pixels(row, 4, 4, 1, 4, 1, MEDPLIB_PIXEL_U8, 0, 255, &image) == MEDPLIB_OK);
  return image;
}

static void sixteen_bits_of_a_file_become_eight_as_the_options_say(void) {
  const uint16_t deep[4] = {0x1200, 0x12ff, 0x2bff, 0x4500};
  const uint8_t high[4] = {0x12, 0x12, 0x2b, 0x45}, windowed[4] = {0, 5, 130, 255};
  medplib_image_options options;
  medplib_image_options_init(&options, sizeof options);
  options.sixteen_bit = MEDPLIB_SIXTEEN_BIT_HIGH_BYTE;
  medplib_image* read[3] = {from_tiff(deep, &options), from_tiff(deep, NULL), NULL};
  options.sixteen_bit = MEDPLIB_SIXTEEN_BIT_WINDOW;
  read[2] = from_tiff(deep, &options);
  medplib_image* expected[2] = {from_bytes(high), from_bytes(windowed)};
  CHECK(look_the_same(read[0], expected[0]));
  CHECK(look_the_same(read[1], expected[1]) && look_the_same(read[2], expected[1]));
  for (int i = 0; i < 3; ++i) medplib_image_free(read[i]);
  for (int i = 0; i < 2; ++i) medplib_image_free(expected[i]);
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
  pixels_are_the_callers_again_afterwards();
  pixels_that_do_not_fit_their_bytes_are_refused();
  sixteen_bits_are_seen_through_their_window();
  sixteen_bits_of_a_file_become_eight_as_the_options_say();
  several_images_stand_in_one_prompt();
}
