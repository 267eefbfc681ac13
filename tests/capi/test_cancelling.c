/* Cancelling a call wherever it is: judged by the layers that run afterwards. */
#include "check.h"

#include <pthread.h>
#include <signal.h>

/* Where to cancel: at the `at`-th time that a layer of this name is about to run. */
typedef struct {
  medplib_session* session;
  const char* layer;
  int at, met, after, returned;
  void (*cancel)(medplib_session*);
} place;

static int32_t cancel_there(void* user, const char* layer) {
  place* watched = user;
  if (watched->cancel == NULL) return MEDPLIB_CONTINUE;
  if (watched->met == watched->at) ++watched->after;
  if (watched->met < watched->at && strcmp(layer, watched->layer) == 0 && ++watched->met == watched->at)
    watched->cancel(watched->session);
  return watched->met == watched->at ? watched->returned : MEDPLIB_CONTINUE;
}

static void* cancel_in_thread(void* session) {
  medplib_session_cancel(session);
  return NULL;
}

static void cancel_from_another_thread(medplib_session* session) {
  pthread_t other;
  CHECK(pthread_create(&other, NULL, cancel_in_thread, session) == 0);
  pthread_join(other, NULL);
}

static medplib_session* signalled = NULL;
static void on_signal(int number) {
  (void)number;
  medplib_session_cancel(signalled); /* NOLINT(bugprone-signal-handler): its header allows it there */
}

static void cancel_from_a_signal(medplib_session* session) {
  void (*before)(int) = signal(SIGUSR1, on_signal);
  signalled = session;
  CHECK(raise(SIGUSR1) == 0);
  signal(SIGUSR1, before);
}

static void cancel_by_returning(medplib_session* session) { (void)session; }

static medplib_session* watched_session(place* watched) {
  medplib_session_options options;
  medplib_session_options_init(&options, sizeof options);
  options.on_layer = cancel_there;
  options.user = watched;
  watched->session = session_on_the_picture(&options);
  return watched->session;
}

/* The call ends where it is, and the session answers as before. */
static void check_cancelled(place watched) {
  medplib_session* session = watched_session(&watched);
  medplib_answer* answer = NULL;
  CHECK(medplib_ask(session, QUESTION, NULL, &answer) == MEDPLIB_E_CANCELLED && answer == NULL);
  CHECK(watched.met == watched.at && watched.after == 0);
  watched.cancel = NULL;
  medplib_answer_free(answer_with_a_mask(session));
  medplib_session_free(session);
}

static void cancel_stops_the_call_in_every_phase(void) {
  struct {
    const char* layer;
    int at;
  } const phases[] = {
      {"clip.0", 1},   /* encoding the image */
      {"hidden.1", 1}, /* prefill of the image's prefix */
      {"hidden.1", 2}, /* prefill of the question */
      {"hidden.1", 3}, /* decoding the second token */
      {"sam.1", 1},    /* encoding the image for its mask */
      {"masks", 1},    /* drawing the mask */
  };
  for (size_t i = 0; i < sizeof phases / sizeof *phases; ++i) {
    const place there = {NULL, phases[i].layer, phases[i].at, 0, 0, MEDPLIB_CONTINUE, NULL};
    place by_thread = there, by_signal = there, by_value = there;
    by_thread.cancel = cancel_from_another_thread;
    by_signal.cancel = cancel_from_a_signal;
    by_value.cancel = cancel_by_returning;
    by_value.returned = MEDPLIB_CANCEL;
    check_cancelled(by_thread);
    check_cancelled(by_signal);
    check_cancelled(by_value);
  }
}

static void a_layer_callback_that_returns_nonsense_ends_the_call(void) {
  place watched = {NULL, "hidden.1", 1, 0, 0, MEDPLIB_STOP, cancel_by_returning};
  medplib_session* session = watched_session(&watched);
  medplib_answer* answer = NULL;
  CHECK(medplib_ask(session, QUESTION, NULL, &answer) == MEDPLIB_E_CALLBACK && error_mentions("on_layer"));
  CHECK(watched.after == 0);
  medplib_session_free(session);
}

static void cancel_ends_all_questions_of_a_call(void) {
  place watched = {NULL, "masks", 2, 0, 0, MEDPLIB_CONTINUE, cancel_from_another_thread};
  medplib_session* session = watched_session(&watched);
  medplib_answers* answers = NULL;
  const medplib_answer* answer = NULL;
  const char* const questions[4] = {QUESTION, QUESTION, QUESTION, QUESTION};
  CHECK(medplib_ask_many(session, questions, 4, NULL, &answers) == MEDPLIB_OK);
  CHECK(medplib_answers_get(answers, 0, &answer) == MEDPLIB_OK);
  for (size_t i = 1; i < 4; ++i) CHECK(medplib_answers_get(answers, i, &answer) == MEDPLIB_E_CANCELLED);
  CHECK(watched.after == 0);
  medplib_answers_free(answers);
  medplib_session_free(session);
}

static void cancel_without_a_call_does_nothing(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_session_cancel(session);
  medplib_answer_free(answer_with_a_mask(session));
  medplib_session_free(session);
}

void test_cancelling(void) {
  cancel_stops_the_call_in_every_phase();
  a_layer_callback_that_returns_nonsense_ends_the_call();
  cancel_ends_all_questions_of_a_call();
  cancel_without_a_call_does_nothing();
}
