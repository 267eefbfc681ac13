/* Masks in every form, and refined ones. */
#include "check.h"

#include <math.h>

/* Compares the mask read into rows with gaps with the mask read without. */
static void pixels_and_logits_agree(const medplib_mask* mask) {
  enum { PIXELS = WIDTH * HEIGHT, STRIDE = WIDTH + 3, SPREAD = (HEIGHT - 1) * STRIDE + WIDTH };
  static uint8_t packed[PIXELS], rows[SPREAD];
  static float logits[SPREAD];
  size_t needed = 0;
  fill(packed, 7, sizeof packed);
  fill(rows, 7, sizeof rows);
  CHECK(medplib_mask_pixels(mask, NULL, 0, WIDTH, &needed) == MEDPLIB_OK && needed == PIXELS);
  CHECK(medplib_mask_pixels(mask, NULL, 0, WIDTH - 1, &needed) == MEDPLIB_E_INVALID_ARG &&
        error_mentions("stride"));
  REFUSED(medplib_mask_pixels(mask, NULL, 0, (size_t)-1, &needed));
  REFUSED(medplib_mask_logits(mask, NULL, 0, (size_t)-1 / HEIGHT, &needed));
  CHECK(medplib_mask_pixels(mask, packed, PIXELS - 1, WIDTH, &needed) == MEDPLIB_E_INVALID_ARG &&
        packed[0] == 7);
  CHECK(medplib_mask_pixels(mask, packed, PIXELS, WIDTH, NULL) == MEDPLIB_OK);
  CHECK(medplib_mask_pixels(mask, rows, SPREAD, STRIDE, &needed) == MEDPLIB_OK && needed == SPREAD);
  CHECK(medplib_mask_logits(mask, logits, SPREAD, STRIDE, &needed) == MEDPLIB_OK && needed == SPREAD);
  int64_t inside = 0, different = 0, area = 0;
  double threshold = 0;
  CHECK(medplib_mask_threshold(mask, &threshold) == MEDPLIB_OK && threshold > 0 && threshold < 1);
  const double least = log(threshold / (1 - threshold));
  for (size_t y = 0; y < HEIGHT; ++y) {
    for (size_t x = 0; x < WIDTH; ++x) {
      const uint8_t pixel = packed[y * WIDTH + x];
      inside += pixel == 1;
      different += pixel > 1 || pixel != rows[y * STRIDE + x] || pixel != (logits[y * STRIDE + x] > least);
    }
  }
  CHECK(different == 0);
  CHECK(inside > 0 && inside < PIXELS);
  CHECK(rows[WIDTH] == 7);
  CHECK(medplib_mask_area(mask, &area) == MEDPLIB_OK && area == inside);
}

/* The next number of COCO's compressed counts: groups of five bits, the lowest first, in letters from '0' on.
 */
static int64_t next_count(const char** text) {
  int64_t number = 0;
  int group = 0, shift = 0;
  do {
    group = *(*text)++ - '0';
    number += (int64_t)(group & 0x1f) << shift;
    shift += 5;
  } while (group & 0x20);
  return group & 0x10 ? number - ((int64_t)1 << shift) : number;
}

/* COCO's rleFrString and rleDecode. */
static void decode(const char* counts, uint8_t* pixels) {
  int64_t before[2] = {0, 0};
  size_t at = 0;
  for (int run = 0; *counts != 0; ++run) {
    const int64_t length = next_count(&counts) + (run > 2 ? before[run % 2] : 0);
    before[run % 2] = length;
    for (int64_t i = 0; i < length && at < WIDTH * HEIGHT; ++i, ++at)
      pixels[at % HEIGHT * WIDTH + at / HEIGHT] = (uint8_t)(run % 2);
  }
  CHECK(at == WIDTH * HEIGHT);
}

static void the_run_lengths_are_the_pixels(const medplib_mask* mask) {
  static uint8_t pixels[WIDTH * HEIGHT], decoded[WIDTH * HEIGHT];
  medplib_bytes* counts = NULL;
  fill(decoded, 7, sizeof decoded);
  CHECK(medplib_mask_pixels(mask, pixels, sizeof pixels, WIDTH, NULL) == MEDPLIB_OK);
  CHECK(medplib_mask_rle(mask, &counts) == MEDPLIB_OK);
  CHECK(strlen(medplib_bytes_data(counts)) == medplib_bytes_size(counts));
  decode(medplib_bytes_data(counts), decoded);
  CHECK(memcmp(pixels, decoded, sizeof pixels) == 0);
  medplib_bytes_free(counts);
}

static int is_inside(const uint8_t* pixels, int32_t x, int32_t y) {
  return x >= 0 && x < WIDTH && y >= 0 && y < HEIGHT && pixels[y * WIDTH + x];
}

/* Draws the contours, each a closed line of steps that go straight or at 45 degrees. */
static void trace(const medplib_polygons* polygons, uint8_t* lines) {
  for (size_t i = 0; i < medplib_polygons_count(polygons); ++i) {
    const int32_t* xy = NULL;
    size_t count = 0;
    CHECK(medplib_polygons_get(polygons, i, &xy, &count) == MEDPLIB_OK && count > 0);
    for (size_t corner = 0; corner < count; ++corner) {
      int32_t x = xy[2 * corner], y = xy[2 * corner + 1];
      const int32_t* next = xy + 2 * ((corner + 1) % count);
      const int32_t steps = abs(next[0] - x) > abs(next[1] - y) ? abs(next[0] - x) : abs(next[1] - y);
      for (int32_t step = 0; step <= steps; ++step) {
        CHECK(x >= 0 && x < WIDTH && y >= 0 && y < HEIGHT);
        lines[y * WIDTH + x] = 1;
        x += (next[0] > x) - (next[0] < x);
        y += (next[1] > y) - (next[1] < y);
      }
    }
  }
}

/* Whether one of the four squares of 2 x 2 pixels around a pixel is inside. */
static int is_in_a_square(const uint8_t* pixels, int32_t x, int32_t y) {
  for (int32_t left = x - 1; left <= x; ++left) {
    for (int32_t top = y - 1; top <= y; ++top) {
      if (is_inside(pixels, left, top) && is_inside(pixels, left + 1, top) &&
          is_inside(pixels, left, top + 1) && is_inside(pixels, left + 1, top + 1))
        return 1;
    }
  }
  return 0;
}

/* They go along all pixels inside that have a neighbour outside, and none else; a pixel by itself and a line
   of pixels may have no outline. */
static void the_polygons_go_along_the_edge(const medplib_mask* mask) {
  static uint8_t pixels[WIDTH * HEIGHT], lines[WIDTH * HEIGHT];
  medplib_polygons* polygons = NULL;
  fill(lines, 0, sizeof lines);
  CHECK(medplib_mask_pixels(mask, pixels, sizeof pixels, WIDTH, NULL) == MEDPLIB_OK);
  CHECK(medplib_mask_polygons(mask, &polygons) == MEDPLIB_OK && medplib_polygons_count(polygons) > 0);
  trace(polygons, lines);
  int64_t different = 0;
  for (int32_t y = 0; y < HEIGHT; ++y) {
    for (int32_t x = 0; x < WIDTH; ++x) {
      const int beside = is_inside(pixels, x - 1, y) && is_inside(pixels, x + 1, y) &&
                         is_inside(pixels, x, y - 1) && is_inside(pixels, x, y + 1);
      const int edge = is_inside(pixels, x, y) && !beside;
      different += lines[y * WIDTH + x] ? !edge : edge && is_in_a_square(pixels, x, y);
    }
  }
  CHECK(different == 0);
  const int32_t* xy = NULL;
  size_t count = 0;
  REFUSED(medplib_polygons_get(polygons, medplib_polygons_count(polygons), &xy, &count));
  medplib_polygons_free(polygons);
}

/* The same of a mask with a hole and a small part of its own. */
static void encodings_are_the_mask(const medplib_mask* mask) {
  static uint8_t pixels[WIDTH * HEIGHT];
  medplib_region* region = NULL;
  medplib_mask* ring = NULL;
  for (size_t y = 10; y < 40; ++y)
    for (size_t x = 300; x < WIDTH; ++x) pixels[y * WIDTH + x] = !(x > 310 && x < 320 && y > 15 && y < 35);
  for (size_t y = 120; y < 122; ++y) pixels[y * WIDTH + 5] = pixels[y * WIDTH + 6] = 1;
  CHECK(medplib_region_mask(pixels, sizeof pixels, WIDTH, HEIGHT, WIDTH, &region) == MEDPLIB_OK);
  CHECK(medplib_mask_from_region(region, WIDTH, HEIGHT, &ring) == MEDPLIB_OK);
  the_run_lengths_are_the_pixels(mask);
  the_run_lengths_are_the_pixels(ring);
  the_polygons_go_along_the_edge(mask);
  the_polygons_go_along_the_edge(ring);
  medplib_mask_free(ring);
  medplib_region_free(region);
}

static void a_png_is_made(const medplib_mask* mask) {
  medplib_bytes* png = NULL;
  CHECK(medplib_mask_png(mask, &png) == MEDPLIB_OK);
  CHECK(medplib_bytes_size(png) > 8 && memcmp(medplib_bytes_data(png), "\x89PNG\r\n\x1a\n", 8) == 0);
  medplib_bytes_free(png);
}

static void facts_are_told(const medplib_mask* mask) {
  int32_t width = 0, height = 0;
  double threshold = 0, presence = 0, iou = 0;
  float embedding[512];
  size_t needed = 0;
  CHECK(medplib_mask_size(mask, &width, &height) == MEDPLIB_OK && width == WIDTH && height == HEIGHT);
  CHECK(strcmp(medplib_mask_label(mask), "") == 0);
  CHECK(medplib_mask_threshold(mask, &threshold) == MEDPLIB_OK && threshold == 0.1); /* a folder's default */
  CHECK(medplib_mask_presence(mask, &presence) == MEDPLIB_OK && presence >= 0 && presence <= 1);
  CHECK(medplib_mask_iou_estimate(mask, &iou) == MEDPLIB_OK && iou != MEDPLIB_NO_PROBABILITY);
  CHECK(medplib_mask_embedding(mask, embedding, 512, &needed) == MEDPLIB_OK && needed > 0);
}

static void a_mask_of_an_answer_comes_in_every_form(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = answer_with_a_mask(session);
  const medplib_mask* mask = mask_of(answer);
  REFUSED(medplib_answer_mask(answer, 1, &mask));
  REFUSED(medplib_answer_mask(answer, -1, &mask));
  CHECK(mask == NULL);
  mask = mask_of(answer);
  pixels_and_logits_agree(mask);
  encodings_are_the_mask(mask);
  a_png_is_made(mask);
  facts_are_told(mask);
  medplib_answer_free(answer);
  medplib_session_free(session);
}

static void the_threshold_decides_what_is_inside(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_ask_options options;
  int64_t areas[2] = {0, 0};
  const double thresholds[2] = {0.1, 0.9};
  for (int i = 0; i < 2; ++i) {
    medplib_answer* answer = NULL;
    medplib_ask_options_init(&options, sizeof options);
    options.threshold = thresholds[i];
    CHECK(medplib_ask(session, QUESTION, &options, &answer) == MEDPLIB_OK);
    CHECK(medplib_mask_area(mask_of(answer), &areas[i]) == MEDPLIB_OK);
    medplib_answer_free(answer);
  }
  CHECK(areas[0] > areas[1]);
  medplib_session_free(session);
}

static void clicks_and_a_box_refine_a_mask(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = answer_with_a_mask(session);
  medplib_region* box = NULL;
  medplib_mask *clicked = NULL, *boxed = NULL, *none = NULL;
  double presence = 0;
  size_t needed = 7;
  const double clicks[] = {100, 70, 10, 10};
  const int32_t inside[] = {1, 0}, wrong[] = {1, 2};
  medplib_refine_options options;
  medplib_refine_options_init(&options, sizeof options);
  options.mask = mask_of(answer);
  options.clicks = clicks;
  options.inside = inside;
  options.click_count = 2;
  CHECK(medplib_refine(session, &options, &clicked) == MEDPLIB_OK);
  CHECK(medplib_mask_presence(clicked, &presence) == MEDPLIB_OK && presence == MEDPLIB_NO_PROBABILITY);
  CHECK(medplib_mask_embedding(clicked, NULL, 0, &needed) == MEDPLIB_OK && needed == 0);
  options.inside = wrong;
  CHECK(medplib_refine(session, &options, &none) == MEDPLIB_E_INVALID_ARG && none == NULL);
  medplib_refine_options_init(&options, sizeof options);
  CHECK(medplib_region_box(60, 30, 200, 120, &box) == MEDPLIB_OK);
  options.box = box;
  options.threshold = 0.3;
  CHECK(medplib_refine(session, &options, &boxed) == MEDPLIB_OK);
  double threshold = 0;
  CHECK(medplib_mask_threshold(boxed, &threshold) == MEDPLIB_OK && threshold == 0.3);
  medplib_mask_free(clicked);
  medplib_mask_free(boxed);
  medplib_region_free(box);
  medplib_answer_free(answer);
  medplib_session_free(session);
}

static double threshold_of(const medplib_mask* mask) {
  double threshold = 0;
  CHECK(medplib_mask_threshold(mask, &threshold) == MEDPLIB_OK);
  return threshold;
}

static void refine_goes_on_with_the_threshold_of_a_drawn_mask(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer *answer = NULL, *plain = answer_with_a_mask(session);
  medplib_region* box = NULL;
  medplib_mask *by_hand = NULL, *better = NULL;
  medplib_ask_options ask;
  medplib_refine_options options;
  medplib_ask_options_init(&ask, sizeof ask);
  ask.threshold = 0.3;
  CHECK(medplib_ask(session, QUESTION, &ask, &answer) == MEDPLIB_OK);
  CHECK(medplib_region_box(60, 30, 200, 120, &box) == MEDPLIB_OK);
  CHECK(medplib_mask_from_region(box, WIDTH, HEIGHT, &by_hand) == MEDPLIB_OK);
  medplib_refine_options_init(&options, sizeof options);
  options.box = box;
  options.mask = mask_of(answer);
  CHECK(medplib_refine(session, &options, &better) == MEDPLIB_OK && threshold_of(better) == 0.3);
  medplib_mask_free(better);
  options.mask = by_hand; /* which has none of its own: the model's, as without a mask */
  CHECK(medplib_refine(session, &options, &better) == MEDPLIB_OK);
  CHECK(threshold_of(better) == threshold_of(mask_of(plain)));
  medplib_mask_free(better);
  medplib_mask_free(by_hand);
  medplib_region_free(box);
  medplib_answer_free(plain);
  medplib_answer_free(answer);
  medplib_session_free(session);
}

static void the_overlay_takes_masks_of_the_images_size_alone(void) {
  medplib_image* image = picture();
  medplib_region* box = NULL;
  medplib_mask *fitting = NULL, *other = NULL;
  medplib_bytes *plain = NULL, *drawn = NULL;
  CHECK(medplib_region_box(20, 20, 60, 60, &box) == MEDPLIB_OK);
  CHECK(medplib_mask_from_region(box, WIDTH, HEIGHT, &fitting) == MEDPLIB_OK);
  CHECK(medplib_mask_from_region(box, 64, 64, &other) == MEDPLIB_OK);
  const medplib_mask *one[] = {fitting}, *two[] = {fitting, other};
  CHECK(medplib_overlay_png(image, NULL, 0, NULL, 0, &plain) == MEDPLIB_OK);
  CHECK(medplib_overlay_png(image, one, 1, NULL, 0, &drawn) == MEDPLIB_OK);
  CHECK(medplib_bytes_size(plain) != medplib_bytes_size(drawn));
  medplib_bytes_free(plain);
  medplib_bytes_free(drawn);
  CHECK(medplib_overlay_png(image, two, 2, NULL, 0, &drawn) == MEDPLIB_E_INVALID_ARG && drawn == NULL);
  medplib_mask_free(other);
  REFUSED(medplib_mask_from_region(box, 0, 64, &other));
  medplib_mask_free(fitting);
  medplib_region_free(box);
  medplib_image_free(image);
}

void test_masks(void) {
  a_mask_of_an_answer_comes_in_every_form();
  the_threshold_decides_what_is_inside();
  clicks_and_a_box_refine_a_mask();
  refine_goes_on_with_the_threshold_of_a_drawn_mask();
  the_overlay_takes_masks_of_the_images_size_alone();
}
