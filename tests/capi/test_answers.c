/* The verbs, and what answers tell. */
#include "check.h"

static void an_answer_tells_all_about_itself_and_outlives_its_session(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = answer_with_a_mask(session);
  medplib_session_free(session);
  CHECK(strlen(medplib_answer_text(answer)) > 0);
  CHECK(strstr(medplib_answer_prompt(answer), QUESTION) != NULL);

  int64_t tokens[64];
  size_t count = 0;
  fill(tokens, 0xff, sizeof tokens);
  CHECK(medplib_answer_tokens(answer, NULL, 0, &count) == MEDPLIB_OK && count > 0 && count < 64);
  REFUSED(medplib_answer_tokens(answer, tokens, count - 1, NULL));
  CHECK(tokens[0] == -1);
  CHECK(medplib_answer_tokens(answer, tokens, 64, NULL) == MEDPLIB_OK && tokens[0] >= 0 &&
        tokens[count] == -1);

  medplib_timing timing;
  CHECK(medplib_answer_timing(answer, &timing, sizeof timing) == MEDPLIB_OK);
  CHECK(timing.generated_tokens == (int32_t)count && timing.prompt_tokens > 576 && timing.reused_tokens == 0);
  CHECK(timing.total >= timing.decode && timing.image_encode > 0 && timing.struct_size == sizeof timing);

  double presence = 0;
  CHECK(medplib_answer_finish(answer) == MEDPLIB_FINISH_END_OF_TEXT);
  CHECK(medplib_answer_near_ties(answer) >= 0);
  CHECK(medplib_answer_presence(answer, &presence) == MEDPLIB_OK && presence == MEDPLIB_NO_PROBABILITY);
  medplib_answer_free(answer);
}

static void the_routing_counts_every_token(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = answer_with_a_mask(session);
  int64_t tokens[8];
  size_t experts = 0;
  medplib_timing timing;
  CHECK(medplib_answer_timing(answer, &timing, sizeof timing) == MEDPLIB_OK);
  const int32_t layers = medplib_answer_routing_layers(answer);
  CHECK(layers > 0);
  for (int32_t layer = 0; layer < layers; ++layer) {
    CHECK(medplib_answer_routing(answer, layer, tokens, 8, &experts) == MEDPLIB_OK && experts == 2);
    CHECK(tokens[0] + tokens[1] >= timing.prompt_tokens);
  }
  REFUSED(medplib_answer_routing(answer, layers, tokens, 8, &experts));
  REFUSED(medplib_answer_routing(answer, -1, tokens, 8, &experts));
  medplib_answer_free(answer);
  medplib_session_free(session);
}

static void a_cut_answer_warns(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = NULL;
  medplib_ask_options options;
  medplib_ask_options_init(&options, sizeof options);
  options.max_new_tokens = 1;
  CHECK(medplib_ask(session, QUESTION, &options, &answer) == MEDPLIB_OK);
  CHECK(medplib_answer_finish(answer) == MEDPLIB_FINISH_LENGTH);
  CHECK(medplib_answer_warning_count(answer) == 1);
  CHECK(strstr(medplib_answer_warning(answer, 0), "max_new_tokens") != NULL);
  CHECK(medplib_answer_warning(answer, 1) == NULL && error_mentions("warning"));
  CHECK(medplib_answer_warning(answer, -1) == NULL);
  medplib_answer_free(answer);
  medplib_session_free(session);
}

static medplib_answer* draw(medplib_session* session, medplib_ask_options options) {
  medplib_answer* answer = NULL;
  CHECK(medplib_ask(session, QUESTION, &options, &answer) == MEDPLIB_OK);
  return answer;
}

/* Whether two answers say the same; they are freed. */
static int agree(medplib_answer* one, medplib_answer* other) {
  const int same = strcmp(medplib_answer_text(one), medplib_answer_text(other)) == 0;
  medplib_answer_free(one);
  medplib_answer_free(other);
  return same;
}

static void words_are_drawn_by_a_seed_from_the_likeliest(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_ask_options drawn, other;
  medplib_ask_options_init(&drawn, sizeof drawn);
  drawn.max_new_tokens = 8;
  const medplib_ask_options plain = drawn;
  drawn.temperature = 50;
  drawn.seed = 3;
  CHECK(!agree(draw(session, drawn), draw(session, plain)));
  CHECK(agree(draw(session, drawn), draw(session, drawn)));
  other = drawn;
  other.seed = 3 + ((uint64_t)1 << 40);
  CHECK(!agree(draw(session, drawn), draw(session, other)));
  other = drawn;
  other.top_k = 1;
  CHECK(agree(draw(session, other), draw(session, plain)));
  other = drawn;
  other.top_p = 1e-9;
  CHECK(agree(draw(session, other), draw(session, plain)));
  other = drawn;
  other.temperature = 1e-9;
  CHECK(agree(draw(session, other), draw(session, plain)));
  medplib_session_free(session);
}

static void segmenting_goes_by_the_phrase(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* answer = NULL;
  double presence = 0;
  CHECK(medplib_segment(session, "tumour", NULL, &answer) == MEDPLIB_OK);
  CHECK(strstr(medplib_answer_prompt(answer), "tumour") != NULL);
  CHECK(medplib_answer_presence(answer, &presence) == MEDPLIB_OK);
  CHECK((medplib_answer_mask_count(answer) == 0) == (presence >= 0 && presence <= 1));
  if (medplib_answer_mask_count(answer) > 0)
    CHECK(strcmp(medplib_mask_label(mask_of(answer)), "tumour") == 0);
  medplib_answer_free(answer);
  CHECK(medplib_segment(session, "", NULL, &answer) == MEDPLIB_E_INVALID_ARG && answer == NULL);
  medplib_session_free(session);
}

static medplib_answer* say(medplib_session* session, const char* message) {
  medplib_answer* answer = NULL;
  CHECK(medplib_chat(session, message, NULL, &answer) == MEDPLIB_OK);
  return answer;
}

static void a_chat_knows_what_was_said_until_it_is_reset(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* first = say(session, "What is the mauve thing?");
  medplib_answer* second = say(session, QUESTION);
  CHECK(strstr(medplib_answer_prompt(second), "mauve") != NULL);
  CHECK(medplib_session_reset_chat(session) == MEDPLIB_OK);
  medplib_answer* third = say(session, QUESTION);
  CHECK(strstr(medplib_answer_prompt(third), "mauve") == NULL);
  medplib_answer_free(first);
  medplib_answer_free(second);
  medplib_answer_free(third);
  medplib_session_free(session);
}

static void many_questions_have_each_their_own_status(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_answer* alone = answer_with_a_mask(session);
  medplib_answers* answers = NULL;
  const medplib_answer* one = NULL;
  const char* const questions[3] = {QUESTION, "", QUESTION};
  medplib_ask_options shorter;
  medplib_ask_options_init(&shorter, sizeof shorter);
  shorter.max_new_tokens = 1;
  const medplib_ask_options* const options[3] = {NULL, NULL, &shorter};
  CHECK(medplib_ask_many(session, questions, 3, options, &answers) == MEDPLIB_OK);
  CHECK(medplib_answers_get(answers, 0, &one) == MEDPLIB_OK && one != NULL);
  CHECK(strcmp(medplib_answer_text(one), medplib_answer_text(alone)) == 0);
  CHECK(medplib_answer_mask_count(one) == 1);
  CHECK(medplib_answers_get(answers, 2, &one) == MEDPLIB_OK);
  CHECK(medplib_answer_finish(one) == MEDPLIB_FINISH_LENGTH);
  CHECK(medplib_answers_get(answers, 1, &one) == MEDPLIB_E_INVALID_ARG && one == NULL &&
        error_mentions("question"));
  CHECK(medplib_answers_get(answers, 3, &one) == MEDPLIB_E_INVALID_ARG && error_mentions("answer 3"));
  medplib_answers_free(answers);

  CHECK(medplib_segment_many(session, questions, 2, NULL, &answers) == MEDPLIB_OK);
  CHECK(medplib_answers_get(answers, 0, &one) == MEDPLIB_OK);
  CHECK(medplib_answers_get(answers, 1, &one) == MEDPLIB_E_INVALID_ARG);
  medplib_answers_free(answers);
  CHECK(medplib_ask_many(session, NULL, 0, NULL, &answers) == MEDPLIB_OK);
  REFUSED(medplib_answers_get(answers, 0, &one));
  medplib_answers_free(answers);
  medplib_answer_free(alone);
  medplib_session_free(session);
}

static void embeddings_go_to_a_buffer(void) {
  medplib_session* session = session_on_the_picture(NULL);
  medplib_region* region = NULL;
  size_t all = 0, rows = 0, columns = 0;
  CHECK(medplib_embed_image(session, 0, NULL, 0, &all, &rows) == MEDPLIB_OK && rows == 576);
  CHECK(medplib_region_box(20, 20, 120, 120, &region) == MEDPLIB_OK);
  CHECK(medplib_embed_region(session, region, NULL, 0, &columns) == MEDPLIB_OK);
  CHECK(columns > 0 && all == rows * columns);
  float* values = malloc(all * sizeof *values);
  fill(values, 0, all * sizeof *values);
  REFUSED(medplib_embed_image(session, 0, values, all - 1, NULL, NULL));
  CHECK(values[0] == 0 && medplib_embed_image(session, 0, values, all, NULL, NULL) == MEDPLIB_OK);
  CHECK(values[0] != 0 && values[all - 1] != 0);
  fill(values, 0, all * sizeof *values);
  CHECK(medplib_embed_region(session, region, values, columns, NULL) == MEDPLIB_OK && values[0] != 0);
  CHECK(values[columns] == 0);
  REFUSED(medplib_embed_image(session, 1, values, all, NULL, NULL));
  free(values);
  medplib_region_free(region);
  medplib_session_free(session);
  CHECK(medplib_session_create(model, NULL, &session) == MEDPLIB_OK);
  CHECK(medplib_embed_image(session, 0, NULL, 0, &all, &rows) == MEDPLIB_E_STATE);
  medplib_session_free(session);
}

void test_answers(void) {
  an_answer_tells_all_about_itself_and_outlives_its_session();
  the_routing_counts_every_token();
  a_cut_answer_warns();
  words_are_drawn_by_a_seed_from_the_likeliest();
  segmenting_goes_by_the_phrase();
  a_chat_knows_what_was_said_until_it_is_reset();
  many_questions_have_each_their_own_status();
  embeddings_go_to_a_buffer();
}
