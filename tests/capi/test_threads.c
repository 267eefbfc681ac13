/* Threads at once: sessions of one model, an answer that two read, and a call that another thread cancels. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 2, ROUNDS = 3 };
static const char* const questions[THREADS] = {QUESTION, "Which modality is this?"};

/* What a session answers to its question: the text, and its mask in every form. */
typedef struct {
  const char* question;
  const medplib_answer* answer; /* NULL: one of a new session */
  pthread_barrier_t* together;  /* NULL: alone */
  char text[4096];
  float logits[WIDTH * HEIGHT];
  uint8_t pixels[WIDTH * HEIGHT];
  size_t rle, png; /* bytes */
} asking;

static size_t size_of(medplib_bytes* made) {
  const size_t size = medplib_bytes_size(made);
  medplib_bytes_free(made);
  return size;
}

static void read_answer(const medplib_answer* answer, asking* asked) {
  const medplib_mask* mask = mask_of(answer);
  medplib_bytes *rle = NULL, *png = NULL;
  snprintf(asked->text, sizeof asked->text, "%s", medplib_answer_text(answer));
  CHECK(medplib_mask_logits(mask, asked->logits, WIDTH * HEIGHT, WIDTH, NULL) == MEDPLIB_OK);
  CHECK(medplib_mask_pixels(mask, asked->pixels, WIDTH * HEIGHT, WIDTH, NULL) == MEDPLIB_OK);
  CHECK(medplib_mask_rle(mask, &rle) == MEDPLIB_OK);
  CHECK(medplib_mask_png(mask, &png) == MEDPLIB_OK);
  asked->rle = size_of(rle);
  asked->png = size_of(png);
}

static void* ask_in_a_new_session(void* user) {
  asking* asked = user;
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = NULL;
  if (asked->together != NULL) pthread_barrier_wait(asked->together);
  CHECK(medplib_ask(session, asked->question, NULL, &answer) == MEDPLIB_OK);
  read_answer(answer, asked);
  medplib_answer_free(answer);
  medplib_session_free(session);
  return NULL;
}

static void* read_together(void* user) {
  asking* asked = user;
  pthread_barrier_wait(asked->together);
  read_answer(asked->answer, asked);
  return NULL;
}

static int are_the_same(const asking* one, const asking* other) {
  int same = strcmp(one->text, other->text) == 0 && one->rle == other->rle && one->png == other->png &&
             memcmp(one->pixels, other->pixels, sizeof one->pixels) == 0;
  for (size_t i = 0; i < sizeof one->logits / sizeof *one->logits; ++i)
    same = same && one->logits[i] == other->logits[i];
  return same;
}

/* Each thread does the same as what was done alone, all of them at once. */
static void check_at_once(void* (*work)(void*), const asking alone[THREADS]) {
  static asking at_once[THREADS];
  pthread_barrier_t together;
  CHECK(pthread_barrier_init(&together, NULL, THREADS) == 0);
  for (int round = 0; round < ROUNDS; ++round) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; ++i) {
      at_once[i] = (asking){.question = alone[i].question, .answer = alone[i].answer, .together = &together};
      CHECK(pthread_create(&threads[i], NULL, work, &at_once[i]) == 0);
    }
    for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; ++i) CHECK(are_the_same(&alone[i], &at_once[i]));
  }
  pthread_barrier_destroy(&together);
}

static void two_sessions_at_once_answer_as_one_after_the_other(void) {
  static asking alone[THREADS];
  for (int i = 0; i < THREADS; ++i) {
    alone[i].question = questions[i];
    ask_in_a_new_session(&alone[i]);
  }
  CHECK(!are_the_same(&alone[0], &alone[1])); /* else mixing them up would not show */
  check_at_once(ask_in_a_new_session, alone);
}

static void two_threads_read_one_answer_at_once(void) {
  static asking alone[THREADS];
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = answer_with_a_mask(session);
  for (int i = 0; i < THREADS; ++i) {
    alone[i].answer = answer;
    read_answer(answer, &alone[i]);
  }
  check_at_once(read_together, alone);
  medplib_answer_free(answer);
  medplib_session_free(session);
}

typedef struct {
  medplib_session* session;
  atomic_int is_over;
} cancelling;

static void* cancel_until_it_is_over(void* user) {
  cancelling* running = user;
  while (!running->is_over) medplib_session_cancel(running->session);
  return NULL;
}

static void a_call_is_cancelled_while_it_runs(void) {
  enum { MOST = 1000 }; /* asks before the other thread has had its turn */
  medplib_session* session = session_on_the_picture(NULL);
  cancelling running = {.session = session};
  pthread_t other;
  CHECK(pthread_create(&other, NULL, cancel_until_it_is_over, &running) == 0);
  for (int round = 0; round < ROUNDS; ++round) {
    int32_t status = MEDPLIB_OK;
    for (int i = 0; i < MOST && status == MEDPLIB_OK; ++i) {
      medplib_answer* answer = NULL;
      status = medplib_ask(session, QUESTION, NULL, &answer);
      medplib_answer_free(answer);
    }
    CHECK(status == MEDPLIB_E_CANCELLED);
  }
  running.is_over = 1;
  pthread_join(other, NULL);
  medplib_answer_free(answer_with_a_mask(session)); /* it goes on as before */
  medplib_session_free(session);
}

void test_threads(void) {
  two_sessions_at_once_answer_as_one_after_the_other();
  two_threads_read_one_answer_at_once();
  a_call_is_cancelled_while_it_runs();
}
