/* Sessions of one model on threads of their own, at once. */
#include "check.h"

#include <pthread.h>

enum { SESSIONS = 2, ROUNDS = 3 };
static const char* const questions[SESSIONS] = {QUESTION, "Which modality is this?"};

/* What a session answers to its question: the text, and the logits of its mask. */
typedef struct {
  const char* question;
  pthread_barrier_t* together; /* NULL: alone */
  char text[4096];
  float logits[WIDTH * HEIGHT];
} asking;

static void ask_once(medplib_session* session, asking* asked) {
  medplib_answer* answer = NULL;
  CHECK(medplib_ask(session, asked->question, NULL, &answer) == MEDPLIB_OK);
  snprintf(asked->text, sizeof asked->text, "%s", medplib_answer_text(answer));
  CHECK(medplib_mask_logits(mask_of(answer), asked->logits, WIDTH * HEIGHT, WIDTH, NULL) == MEDPLIB_OK);
  medplib_answer_free(answer);
}

static void* ask_in_a_new_session(void* user) {
  asking* asked = user;
  medplib_session* session = session_on_the_picture(NULL);
  if (asked->together != NULL) pthread_barrier_wait(asked->together);
  ask_once(session, asked);
  medplib_session_free(session);
  return NULL;
}

static int are_the_same(const asking* one, const asking* other) {
  int same = strcmp(one->text, other->text) == 0;
  for (size_t i = 0; i < sizeof one->logits / sizeof *one->logits; ++i)
    same = same && one->logits[i] == other->logits[i];
  return same;
}

static void two_sessions_at_once_answer_as_one_after_the_other(void) {
  static asking alone[SESSIONS], at_once[SESSIONS];
  pthread_barrier_t together;
  CHECK(pthread_barrier_init(&together, NULL, SESSIONS) == 0);
  for (int i = 0; i < SESSIONS; ++i) {
    alone[i].question = questions[i];
    ask_in_a_new_session(&alone[i]);
  }
  CHECK(!are_the_same(&alone[0], &alone[1])); /* else mixing them up would not show */
  for (int round = 0; round < ROUNDS; ++round) {
    pthread_t threads[SESSIONS];
    for (int i = 0; i < SESSIONS; ++i) {
      at_once[i] = (asking){.question = questions[i], .together = &together};
      CHECK(pthread_create(&threads[i], NULL, ask_in_a_new_session, &at_once[i]) == 0);
    }
    for (int i = 0; i < SESSIONS; ++i) pthread_join(threads[i], NULL);
    for (int i = 0; i < SESSIONS; ++i) CHECK(are_the_same(&alone[i], &at_once[i]));
  }
  pthread_barrier_destroy(&together);
}

void test_threads(void) { two_sessions_at_once_answer_as_one_after_the_other(); }
