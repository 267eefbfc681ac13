/* Text as it comes, and what callbacks may answer. */
#include "check.h"

/* The pieces so far, and where to answer what. */
typedef struct {
  medplib_session* session;
  char text[4096];
  size_t length;
  int64_t tokens[64];
  int32_t calls, at, answer, inner;
} pieces;

static int32_t collect(void* user, const char* text, size_t length, int64_t token, int32_t index) {
  pieces* seen = user;
  CHECK(index == seen->calls && index < 64 && seen->length + length < sizeof seen->text);
  memcpy(seen->text + seen->length, text, length);
  seen->length += length;
  seen->tokens[index] = token;
  return ++seen->calls == seen->at ? seen->answer : MEDPLIB_CONTINUE;
}

static int32_t ask(medplib_session* session, medplib_text_callback on_text, pieces* seen,
                   medplib_answer** answer) {
  medplib_ask_options options;
  medplib_ask_options_init(&options, sizeof options);
  options.on_text = on_text;
  options.user = seen;
  seen->session = session;
  return medplib_ask(session, QUESTION, &options, answer);
}

static void the_pieces_are_the_answer(void) {
  static pieces seen;
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = NULL;
  int64_t tokens[64];
  size_t count = 0;
  CHECK(ask(session, collect, &seen, &answer) == MEDPLIB_OK);
  CHECK(seen.length > 0 && strcmp(seen.text, medplib_answer_text(answer)) == 0);
  CHECK(medplib_answer_tokens(answer, tokens, 64, &count) == MEDPLIB_OK && (int32_t)count == seen.calls);
  CHECK(memcmp(tokens, seen.tokens, count * sizeof *tokens) == 0);
  medplib_answer_free(answer);
  medplib_session_free(session);
}

static void stop_keeps_and_cancel_drops_what_there_is(void) {
  static pieces stopping = {.at = 1, .answer = MEDPLIB_STOP},
                cancelling = {.at = 1, .answer = MEDPLIB_CANCEL}, wrong = {.at = 1, .answer = 7};
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = NULL;
  CHECK(ask(session, collect, &stopping, &answer) == MEDPLIB_OK && stopping.calls == 1);
  CHECK(medplib_answer_finish(answer) == MEDPLIB_FINISH_STOPPED);
  CHECK(strcmp(medplib_answer_text(answer), stopping.text) == 0);
  medplib_answer_free(answer);
  CHECK(ask(session, collect, &cancelling, &answer) == MEDPLIB_E_CANCELLED && answer == NULL);
  CHECK(cancelling.calls == 1);
  CHECK(ask(session, collect, &wrong, &answer) == MEDPLIB_E_CALLBACK && answer == NULL);
  CHECK(error_mentions("on_text") && error_mentions("7"));
  medplib_answer_free(answer_with_a_mask(session));
  medplib_session_free(session);
}

/* Calls everything that a session can be asked, from within its callback. */
static void call_everything(medplib_session* session) {
  medplib_answer* answer = (medplib_answer*)&failures;
  medplib_answers* answers = NULL;
  medplib_mask* mask = NULL;
  medplib_image* image = picture();
  medplib_region* box = NULL;
  const medplib_image* const images[1] = {image};
  const char* const questions[1] = {QUESTION};
  size_t needed = 0;
  CHECK(medplib_region_box(20, 20, 60, 60, &box) == MEDPLIB_OK);
  CHECK(medplib_ask(session, QUESTION, NULL, &answer) == MEDPLIB_E_STATE && answer == NULL);
  CHECK(error_mentions("callback"));
  CHECK(medplib_segment(session, "tumour", NULL, &answer) == MEDPLIB_E_STATE);
  CHECK(medplib_describe(session, box, NULL, &answer) == MEDPLIB_E_STATE);
  CHECK(medplib_chat(session, QUESTION, NULL, &answer) == MEDPLIB_E_STATE);
  CHECK(medplib_refine(session, NULL, &mask) == MEDPLIB_E_STATE);
  CHECK(medplib_ask_many(session, questions, 1, NULL, &answers) == MEDPLIB_E_STATE);
  CHECK(medplib_segment_many(session, questions, 1, NULL, &answers) == MEDPLIB_E_STATE);
  CHECK(medplib_embed_image(session, 0, NULL, 0, &needed, NULL) == MEDPLIB_E_STATE);
  CHECK(medplib_embed_region(session, box, NULL, 0, &needed) == MEDPLIB_E_STATE);
  CHECK(medplib_session_set_image(session, image) == MEDPLIB_E_STATE);
  CHECK(medplib_session_set_images(session, images, 1) == MEDPLIB_E_STATE);
  CHECK(medplib_session_reset_chat(session) == MEDPLIB_E_STATE);
  medplib_region_free(box);
  medplib_image_free(image);
}

static int32_t call_back(void* user, const char* text, size_t length, int64_t token, int32_t index) {
  pieces* seen = user;
  (void)text, (void)length, (void)token, (void)index;
  call_everything(seen->session);
  ++seen->inner;
  return MEDPLIB_CONTINUE;
}

/* From the image's first layer, the language model's and the mask. */
static int32_t call_back_from_a_layer(void* user, const char* layer) {
  pieces* seen = user;
  const char* const places[] = {"clip.0", "hidden.0", "sam.0", "masks"};
  for (int32_t i = 0; i < 4; ++i) {
    if (strcmp(layer, places[i]) != 0) continue;
    call_everything(seen->session);
    seen->inner |= 1 << i;
  }
  return MEDPLIB_CONTINUE;
}

static void a_callback_cannot_call_into_its_session(void) {
  static pieces seen, in_layers;
  medplib_session_options options;
  medplib_session_options_init(&options, sizeof options);
  options.on_layer = call_back_from_a_layer;
  options.user = &in_layers;
  medplib_session *session = session_on_the_picture(NULL), *watched = session_on_the_picture(&options);
  medplib_answer *answer = NULL, *plain = answer_with_a_mask(session);
  CHECK(ask(session, call_back, &seen, &answer) == MEDPLIB_OK && seen.inner > 0);
  CHECK(strcmp(medplib_answer_text(answer), medplib_answer_text(plain)) == 0);
  medplib_answer_free(answer);
  in_layers.session = watched;
  answer = answer_with_a_mask(watched);
  CHECK(in_layers.inner == 15); /* all four places */
  CHECK(strcmp(medplib_answer_text(answer), medplib_answer_text(plain)) == 0);
  medplib_answer_free(answer);
  medplib_answer_free(plain);
  medplib_session_free(watched);
  medplib_session_free(session);
}

static int32_t ask_another(void* user, const char* text, size_t length, int64_t token, int32_t index) {
  pieces* seen = user;
  (void)text, (void)length, (void)token, (void)index;
  if (seen->inner++ == 0) medplib_answer_free(answer_with_a_mask(seen->session));
  return MEDPLIB_CONTINUE;
}

static void a_callback_may_use_another_session(void) {
  static pieces seen;
  medplib_session *session = session_on_the_picture(NULL), *other = session_on_the_picture(NULL);
  medplib_answer* answer = NULL;
  medplib_ask_options options;
  medplib_ask_options_init(&options, sizeof options);
  options.on_text = ask_another;
  options.user = &seen;
  seen.session = other;
  CHECK(medplib_ask(session, QUESTION, &options, &answer) == MEDPLIB_OK && seen.inner > 0);
  medplib_answer_free(answer);
  medplib_session_free(session);
  medplib_session_free(other);
}

void test_callbacks(void) {
  the_pieces_are_the_answer();
  stop_keeps_and_cancel_drops_what_there_is();
  a_callback_cannot_call_into_its_session();
  a_callback_may_use_another_session();
}
