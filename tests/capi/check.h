/* What the tests of the C interface share. */
#pragma once

#include "medplib.h"

#include <source_folder.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int failures;
extern medplib_model* model; /* shared by the tests, as by the sessions of a program */

#define CHECK(condition)                                                                      \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      ++failures;                                                                             \
      fprintf(stderr, "%s:%d: %s is false; last error: %s\n", __FILE__, __LINE__, #condition, \
              medplib_last_error());                                                          \
    }                                                                                         \
  } while (0)
#define REFUSED(call) CHECK((call) == MEDPLIB_E_INVALID_ARG)

#define GOLDENS MEDPLIB_SOURCE_FOLDER "/tests/goldens/"
#define PICTURE GOLDENS "cases/s01_emits_seg_wide.image.png"
#define QUESTION "Please segment the tumour in this MRI image."
enum { WIDTH = 330, HEIGHT = 150 }; /* of the picture */

void fill(void* bytes, int value, size_t count);
int error_mentions(const char* word);
medplib_image* picture(void);
medplib_session* session_on_the_picture(const medplib_session_options* options);
medplib_answer* answer_with_a_mask(medplib_session* session);
const medplib_mask* mask_of(const medplib_answer* answer);

void test_structs(void);
void test_nulls(void);
void test_models(void);
void test_images(void);
void test_regions(void);
void test_answers(void);
void test_masks(void);
void test_callbacks(void);
void test_cancelling(void);
void test_threads(void);
