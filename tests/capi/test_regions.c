/* Regions: made in every way, and used. */
#include "check.h"

#include <math.h>

static int64_t area_of(const medplib_region* region) {
  medplib_mask* mask = NULL;
  int64_t area = -1;
  CHECK(medplib_mask_from_region(region, WIDTH, HEIGHT, &mask) == MEDPLIB_OK);
  CHECK(medplib_mask_area(mask, &area) == MEDPLIB_OK);
  medplib_mask_free(mask);
  return area;
}

static void covers(medplib_region* region, int64_t area) {
  CHECK(area_of(region) == area);
  medplib_region_free(region);
}

static void each_maker_covers_what_it_says(void) {
  medplib_region* region = NULL;
  const double corners[] = {10, 10, 40, 10, 40, 30, 10, 30}, line[] = {20, 50, 60, 50};
  CHECK(medplib_region_point(100, 70, &region) == MEDPLIB_OK);
  covers(region, 41 * 41);
  CHECK(medplib_region_box(10, 20, 30, 50, &region) == MEDPLIB_OK);
  covers(region, 21 * 31);
  CHECK(medplib_region_parse("box:10,20,30,50", &region) == MEDPLIB_OK);
  covers(region, 21 * 31);
  CHECK(medplib_region_polygon(corners, 4, &region) == MEDPLIB_OK);
  covers(region, 31 * 21);
  CHECK(medplib_region_scribble(line, 2, 1, &region) == MEDPLIB_OK);
  covers(region, 41);
  static uint8_t pixels[HEIGHT * (WIDTH + 3)]; /* rows with gaps */
  pixels[5 * (WIDTH + 3) + 7] = 1;
  pixels[6 * (WIDTH + 3) + 7] = 200;
  pixels[6 * (WIDTH + 3) + WIDTH] = 1; /* in a gap */
  CHECK(medplib_region_mask(pixels, sizeof pixels, WIDTH, HEIGHT, WIDTH + 3, &region) == MEDPLIB_OK);
  fill(pixels, 1, sizeof pixels); /* they are the caller's again */
  covers(region, 2);
}

static void what_is_no_region_is_refused(void) {
  medplib_region* region = NULL;
  const double two[] = {1, 1, 5, 5};
  REFUSED(medplib_region_parse("circle:1,2", &region));
  REFUSED(medplib_region_point(NAN, 1, &region));
  REFUSED(medplib_region_polygon(two, 2, &region));
  REFUSED(medplib_region_scribble(two, 2, -1, &region));
  REFUSED(medplib_region_mask((const uint8_t*)"grey", 4, 3, 2, 3, &region));
  REFUSED(medplib_region_mask((const uint8_t*)"grey", 4, 2, 2, 1, &region));
  REFUSED(medplib_region_mask((const uint8_t*)"grey", 4, 0, 2, 2, &region));
  REFUSED(medplib_region_mask((const uint8_t*)"grey", 4, 2, 2, (size_t)-1, &region));
  CHECK(medplib_region_parse("mask:no.png", &region) == MEDPLIB_E_NOT_FOUND && region == NULL);
}

static void a_region_outside_the_image_is_refused_and_one_inside_asked_about(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_region* regions[2] = {NULL, NULL};
  medplib_answer* answer = NULL;
  medplib_ask_options options;
  medplib_ask_options_init(&options, sizeof options);
  options.regions = (const medplib_region* const*)regions;
  options.region_count = 1;
  CHECK(medplib_ask(session, "What is this?", &options, &answer) == MEDPLIB_E_INVALID_ARG);
  CHECK(medplib_region_parse("box:10000,10000,10010,10010", &regions[0]) == MEDPLIB_OK);
  CHECK(medplib_ask(session, "What is this?", &options, &answer) == MEDPLIB_E_INVALID_ARG && answer == NULL);
  medplib_region_free(regions[0]);
  CHECK(medplib_region_parse("box:20,20,120,120", &regions[0]) == MEDPLIB_OK);
  CHECK(medplib_region_parse("point:60,60", &regions[1]) == MEDPLIB_OK);
  options.region_count = 2;
  options.max_new_tokens = 4;
  CHECK(medplib_ask(session, "What is this?", &options, &answer) == MEDPLIB_OK);
  medplib_answer_free(answer);
  medplib_region_free(regions[0]);
  medplib_region_free(regions[1]);
  medplib_session_free(session);
}

static void a_region_can_be_described(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_region* region = NULL;
  medplib_answer* answer = NULL;
  medplib_ask_options options;
  medplib_ask_options_init(&options, sizeof options);
  options.max_new_tokens = 4;
  CHECK(medplib_region_box(20, 20, 120, 120, &region) == MEDPLIB_OK);
  CHECK(medplib_describe(session, region, &options, &answer) == MEDPLIB_OK);
  CHECK(strstr(medplib_answer_prompt(answer), "region") != NULL);
  medplib_answer_free(answer);
  medplib_region_free(region);
  medplib_session_free(session);
}

static void the_overlay_shows_regions(void) {
  medplib_image* image = picture();
  medplib_region* regions[2] = {NULL, NULL};
  medplib_bytes *plain = NULL, *drawn = NULL;
  CHECK(medplib_region_box(20, 20, 120, 120, &regions[0]) == MEDPLIB_OK);
  CHECK(medplib_overlay_png(image, NULL, 0, NULL, 0, &plain) == MEDPLIB_OK);
  CHECK(medplib_overlay_png(image, NULL, 0, (const medplib_region* const*)regions, 1, &drawn) == MEDPLIB_OK);
  CHECK(memcmp(medplib_bytes_data(drawn), "\x89PNG", 4) == 0);
  CHECK(medplib_bytes_size(plain) != medplib_bytes_size(drawn));
  medplib_bytes_free(drawn);
  REFUSED(medplib_overlay_png(image, NULL, 0, (const medplib_region* const*)regions, 2, &drawn));
  CHECK(medplib_region_box(10000, 1, 10010, 9, &regions[1]) == MEDPLIB_OK);
  REFUSED(medplib_overlay_png(image, NULL, 0, (const medplib_region* const*)regions, 2, &drawn));
  medplib_bytes_free(plain);
  medplib_region_free(regions[0]);
  medplib_region_free(regions[1]);
  medplib_image_free(image);
}

void test_regions(void) {
  each_maker_covers_what_it_says();
  what_is_no_region_is_refused();
  a_region_outside_the_image_is_refused_and_one_inside_asked_about();
  a_region_can_be_described();
  the_overlay_shows_regions();
}
