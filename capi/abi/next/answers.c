/*
 * A program of this version of medplib.h, to be built with it for ever; it uses every struct.
 *
 * Answers requests about the pictures of a list: answers ask < LIST, or answers segment < LIST. A line
 * of the list is IMAGE, words, REGION, MASK.png and DRAW, with tabs between them; REGION may be empty, and so
 * may DRAW, which is temperature,top_k,top_p,seed. Each text is printed with a 0 byte behind it. Further
 * masks of an answer go to MASK.png-2, MASK.png-3 …
 */
#include <inttypes.h>
#include <medplib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(call)                                                      \
  do {                                                                   \
    if ((call) != MEDPLIB_OK) {                                          \
      fprintf(stderr, "answers: %s: %s\n", #call, medplib_last_error()); \
      exit(1);                                                           \
    }                                                                    \
  } while (0)

#define EXPECT(condition)                                    \
  do {                                                       \
    if (!(condition)) {                                      \
      fprintf(stderr, "answers: %s is false\n", #condition); \
      exit(1);                                               \
    }                                                        \
  } while (0)

typedef struct {
  char *image, *words, *region, *mask, *draw;
} request;

static int next_request(char* line, size_t capacity, request* next) {
  char** const fields[] = {&next->image, &next->words, &next->region, &next->mask, &next->draw};
  if (fgets(line, (int)capacity, stdin) == NULL) return 0;
  line[strcspn(line, "\n")] = 0;
  for (int i = 0; i < 5; ++i) {
    char* tab = strchr(line, '\t');
    *fields[i] = line;
    if (tab == NULL && i < 4) {
      fprintf(stderr, "answers: a line has %d fields instead of 5\n", i + 1);
      exit(2);
    }
    if (tab != NULL) *tab = 0, line = tab + 1;
  }
  return 1;
}

static void show(medplib_session* session, const char* path) {
  static char shown[4096];
  medplib_image_options options;
  medplib_image* image = NULL;
  if (strcmp(shown, path) == 0) return; /* what is encoded is used again, as in the program medplib */
  CHECK(medplib_image_options_init(&options, sizeof options));
  options.max_bytes = 1 << 24;
  CHECK(medplib_image_read(path, &options, &image));
  CHECK(medplib_session_set_image(session, image));
  medplib_image_free(image);
  snprintf(shown, sizeof shown, "%s", path);
}

static int32_t add(void* length, const char* text, size_t more, int64_t token, int32_t index) {
  (void)text, (void)token, (void)index;
  *(size_t*)length += more;
  return MEDPLIB_CONTINUE;
}

static medplib_answer* answer(medplib_session* session, const char* verb, const request* asked) {
  medplib_ask_options options;
  medplib_region* region = NULL;
  medplib_answer* given = NULL;
  size_t length = 0;
  CHECK(medplib_ask_options_init(&options, sizeof options));
  options.on_text = add;
  options.user = &length;
  if (asked->draw[0] != 0)
    EXPECT(sscanf(asked->draw, "%lf,%" SCNd32 ",%lf,%" SCNu64, &options.temperature, &options.top_k,
                  &options.top_p, &options.seed) == 4);
  if (asked->region[0] != 0) {
    CHECK(medplib_region_parse(asked->region, &region));
    options.regions = (const medplib_region* const*)&region;
    options.region_count = 1;
  }
  if (strcmp(verb, "ask") == 0)
    CHECK(medplib_ask(session, asked->words, &options, &given));
  else
    CHECK(medplib_segment(session, asked->words, &options, &given));
  EXPECT(length == strlen(medplib_answer_text(given)));
  medplib_region_free(region);
  return given;
}

static void write_masks(const medplib_answer* given, const char* path) {
  for (int32_t i = 0; i < medplib_answer_mask_count(given); ++i) {
    const medplib_mask* mask = NULL;
    medplib_bytes* png = NULL;
    char name[4096];
    CHECK(medplib_answer_mask(given, i, &mask));
    CHECK(medplib_mask_png(mask, &png));
    snprintf(name, sizeof name, i == 0 ? "%s" : "%s-%d", path, (int)i + 1);
    FILE* file = fopen(name, "wb");
    if (file == NULL || fwrite(medplib_bytes_data(png), 1, medplib_bytes_size(png), file) == 0 ||
        fclose(file) != 0) {
      perror(name);
      exit(1);
    }
    medplib_bytes_free(png);
  }
}

static int32_t count(void* layers, const char* layer) {
  if (layer[0] != 0) ++*(int*)layers;
  return MEDPLIB_CONTINUE;
}

static medplib_model* load(void) {
  char folder[4096];
  medplib_load_options options;
  medplib_model* model = NULL;
  CHECK(medplib_embedded_model(folder, sizeof folder, NULL));
  CHECK(medplib_load_options_init(&options, sizeof options));
  options.device = "cpu";
  CHECK(medplib_model_load(folder, &options, &model));
  return model;
}

static medplib_session* start(const medplib_model* model, int* layers) {
  medplib_session_options options;
  medplib_session_facts facts;
  medplib_session* session = NULL;
  CHECK(medplib_session_options_init(&options, sizeof options));
  options.context = 1024;
  options.on_layer = count;
  options.user = layers;
  CHECK(medplib_session_create(model, &options, &session));
  CHECK(medplib_session_info(session, &facts, sizeof facts));
  EXPECT(strcmp(facts.device, "cpu") == 0 && facts.context == 1024 && facts.compat == MEDPLIB_COMPAT_NONE);
  return session;
}

/* Two clicks on the picture; not every model follows them. */
static void refine(medplib_session* session) {
  const double clicks[] = {1, 1, 30, 20};
  const int32_t inside[] = {0, 1};
  medplib_refine_options options;
  medplib_mask* mask = NULL;
  double threshold = 0;
  CHECK(medplib_refine_options_init(&options, sizeof options));
  options.clicks = clicks;
  options.inside = inside;
  options.click_count = 2;
  options.threshold = 0.25;
  if (medplib_refine(session, &options, &mask) == MEDPLIB_E_UNSUPPORTED) return;
  CHECK(medplib_mask_threshold(mask, &threshold));
  EXPECT(threshold == 0.25);
  medplib_mask_free(mask);
}

static void check_timing(const medplib_answer* given) {
  medplib_timing timing;
  size_t tokens = 0;
  CHECK(medplib_answer_timing(given, &timing, sizeof timing));
  CHECK(medplib_answer_tokens(given, NULL, 0, &tokens));
  EXPECT(timing.total > 0 && timing.prompt_tokens > 0 && timing.generated_tokens >= (int32_t)tokens);
}

int main(int argc, char** argv) {
  char line[16384];
  int layers = 0;
  request next;
  if (argc != 2) return 2;
  medplib_model* model = load();
  medplib_session* session = start(model, &layers);
  while (next_request(line, sizeof line, &next)) {
    show(session, next.image);
    medplib_answer* given = answer(session, argv[1], &next);
    printf("%s%c", medplib_answer_text(given), 0);
    write_masks(given, next.mask);
    check_timing(given);
    medplib_answer_free(given);
  }
  EXPECT(layers > 0);
  refine(session);
  medplib_session_free(session);
  medplib_model_free(model);
  return 0;
}
