/*
 * medplib: questions about medical images, answered in words and in pixels. The C interface.
 *
 * Pattern
 *   1. medplib_model_load         weights, once; shared by any number of sessions and threads
 *   2. medplib_session_create     one a user or a thread
 *   3. medplib_session_set_image  as often as the image changes
 *   4. medplib_ask, medplib_segment
 *   5. read the answer, then medplib_answer_free
 *   6. medplib_session_free, medplib_model_free, in any order: a session keeps its model alive
 *
 * Errors
 *   A function that can fail returns MEDPLIB_OK (0) or one of the negative MEDPLIB_E_… codes, and then
 *   medplib_last_error() is a sentence that says what was wrong, where, and what to do. A handle is written
 *   to the caller's pointer when all went well, else NULL is. Pointers must not be NULL but where it says
 *   so.
 *
 * Ownership
 *   What a function hands out through a `medplib_x**` is the caller's, until medplib_x_free; freeing NULL
 *   does nothing. `const` pointers handed out are borrowed and live as long as what they were got from. What
 *   the caller passes is copied before the function returns. Text is UTF-8 and ends with a 0 byte. Results
 *   of unknown size go to a buffer of the caller: pass NULL and 0 to learn the size through `needed`.
 *
 * Options
 *   Option structs begin with their size and are filled by their …_options_init; then change what you like.
 *   NULL in place of options stands for the defaults. 0 never means "default". Structs only grow at their
 *   end, and a program compiled with another version of this header keeps working; bytes that it does not
 *   know of must be 0.
 *
 * Threads
 *   Each function says one of:
 *     thread-safe             from any thread, also with the same handles
 *     one thread per handle   not from two threads at once with the same handle
 *     any thread              also while another thread is in a call with the same handle
 *   medplib_last_error is of the calling thread. After fork, the child must not use the library: use exec.
 *
 * Versions
 *   The library's file name carries the ABI version (libmedplib.so.1), which changes when something is taken
 *   away or gets another meaning; the version of the engine, medplib_version(), says what is in it.
 */
#ifndef MEDPLIB_H
#define MEDPLIB_H

#include <stddef.h>
#include <stdint.h>

#define MEDPLIB_ABI_VERSION 1

#if defined(__GNUC__)
#define MEDPLIB_API __attribute__((visibility("default")))
#else
#define MEDPLIB_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What functions return; a caller acts on the code and shows the text. */
enum {
  MEDPLIB_OK = 0,
  MEDPLIB_E_INVALID_ARG = -1,  /* an argument, option, question or region cannot be used */
  MEDPLIB_E_NOT_FOUND = -2,    /* a file or a named thing does not exist */
  MEDPLIB_E_FORMAT = -3,       /* a file is there but is not what it should be */
  MEDPLIB_E_OOM_HOST = -4,     /* out of memory */
  MEDPLIB_E_OOM_DEVICE = -5,   /* out of memory on the device */
  MEDPLIB_E_DEVICE = -6,       /* the device is missing or failed */
  MEDPLIB_E_CANCELLED = -7,    /* somebody asked to stop */
  MEDPLIB_E_CALLBACK = -8,     /* a callback failed */
  MEDPLIB_E_VERSION = -9,      /* made for another version */
  MEDPLIB_E_STATE = -10,       /* not now: the handle is in another state */
  MEDPLIB_E_UNSUPPORTED = -11, /* well-formed, but this engine cannot do it */
  MEDPLIB_E_IO = -12,          /* reading or writing failed */
  MEDPLIB_E_INTERNAL = -13     /* a defect of the engine */
};

typedef struct medplib_model medplib_model;     /* weights and configuration on a device; immutable */
typedef struct medplib_session medplib_session; /* the image and the memory of one user */
typedef struct medplib_region medplib_region;   /* a place in the image; immutable */
typedef struct medplib_answer medplib_answer;   /* text and masks; immutable */
typedef struct medplib_mask medplib_mask;       /* a structure drawn at the image's size; immutable */

/*
 * The engine's version, such as "0.1.0". Never NULL; lives as long as the library. Thread-safe.
 *
 * Example:
 *   printf("medplib %s\n", medplib_version());
 */
MEDPLIB_API const char* medplib_version(void);

/*
 * The MEDPLIB_ABI_VERSION that the library was built with. Thread-safe.
 *
 * Example:
 *   if (medplib_abi_version() != MEDPLIB_ABI_VERSION) abort();
 */
MEDPLIB_API int32_t medplib_abi_version(void);

/*
 * The sentence of the last error in this thread, "" before the first; success does not clear it. Never NULL;
 * lives until the next error in this thread. Thread-safe.
 *
 * Example:
 *   if (medplib_session_set_image(session, "retina.png") != MEDPLIB_OK)
 *     fprintf(stderr, "%s\n", medplib_last_error());
 */
MEDPLIB_API const char* medplib_last_error(void);

/* ---- Model ---- */

enum { MEDPLIB_PRECISION_FLOAT32 = 1, MEDPLIB_PRECISION_BFLOAT16 = 2 };

typedef struct medplib_load_options {
  size_t struct_size;
  const char* device; /* "auto" (default: a GPU if there is one), "cpu", "cuda", "cuda:1" … */
  int32_t precision;  /* MEDPLIB_PRECISION_FLOAT32 (default) … */
  int32_t reserved;   /* 0 */
} medplib_load_options;

/*
 * Fills in the defaults; `struct_size` is sizeof *options. Errors: INVALID_ARG. One thread per handle.
 *
 * Example:
 *   medplib_load_options options;
 *   medplib_load_options_init(&options, sizeof options);
 *   options.device = "cpu";
 */
MEDPLIB_API int32_t medplib_load_options_init(medplib_load_options* options, size_t struct_size);

/*
 * Loads the model in `folder`. `options` may be NULL. Errors: INVALID_ARG, NOT_FOUND, FORMAT, UNSUPPORTED,
 * DEVICE, OOM_HOST, OOM_DEVICE, VERSION. Thread-safe.
 *
 * Example:
 *   medplib_model* loaded;
 *   if (medplib_model_load("models/tiny", NULL, &loaded) != MEDPLIB_OK)
 *     fprintf(stderr, "%s\n", medplib_last_error());
 *   medplib_model_free(loaded);
 */
MEDPLIB_API int32_t medplib_model_load(const char* folder, const medplib_load_options* options,
                                       medplib_model** model);

/*
 * Gives the model back; its sessions go on. NULL is fine. One thread per handle.
 *
 * Example:
 *   medplib_model_free(model);
 */
MEDPLIB_API void medplib_model_free(medplib_model* model);

/* ---- Session ---- */

enum {
  MEDPLIB_COMPAT_NONE = 1,     /* every <SEG> of the answer gives its mask; none gives no mask */
  MEDPLIB_COMPAT_REFERENCE = 2 /* always one mask, as the published evaluation draws it */
};

#define MEDPLIB_CONTEXT_OF_MODEL (-1)

typedef struct medplib_session_options {
  size_t struct_size;
  int64_t context;  /* tokens; MEDPLIB_CONTEXT_OF_MODEL (default): the model's, at most 4096 */
  int32_t compat;   /* MEDPLIB_COMPAT_NONE (default) … */
  int32_t reserved; /* 0 */
} medplib_session_options;

/*
 * Fills in the defaults; `struct_size` is sizeof *options. Errors: INVALID_ARG. One thread per handle.
 *
 * Example:
 *   medplib_session_options options;
 *   medplib_session_options_init(&options, sizeof options);
 *   options.context = 1024;
 */
MEDPLIB_API int32_t medplib_session_options_init(medplib_session_options* options, size_t struct_size);

/*
 * Starts a session without an image. `options` may be NULL. Errors: INVALID_ARG, OOM_HOST, OOM_DEVICE,
 * VERSION. Thread-safe.
 *
 * Example:
 *   medplib_session* started;
 *   if (medplib_session_create(model, NULL, &started) == MEDPLIB_OK) medplib_session_free(started);
 */
MEDPLIB_API int32_t medplib_session_create(const medplib_model* model, const medplib_session_options* options,
                                           medplib_session** session);

/*
 * Ends the session; its answers stay. NULL is fine. One thread per handle.
 *
 * Example:
 *   medplib_session_free(session);
 */
MEDPLIB_API void medplib_session_free(medplib_session* session);

/*
 * Reads the image to talk about: PNG, JPEG or TIFF, told apart by content. After an error the session keeps
 * the image it had. Errors: INVALID_ARG, NOT_FOUND, IO, FORMAT, UNSUPPORTED, OOM_HOST. One thread per handle.
 *
 * Example:
 *   medplib_session_set_image(session, "retina.png");
 */
MEDPLIB_API int32_t medplib_session_set_image(medplib_session* session, const char* path);

enum {
  MEDPLIB_PIXEL_U8 = 1 /* a byte a channel, 0 … 255 */
};

/*
 * The same from memory, copied: `height` rows that begin `stride` bytes apart, each of `width` pixels of
 * `channels` values of type `pixel_type`: 1 (grey), 3 (red, green, blue) or 4 (and alpha, which is dropped).
 * `byte_size` is how many bytes may be read from `pixels`. Errors: INVALID_ARG, OOM_HOST. One thread per
 * handle.
 *
 * Example:
 *   static uint8_t pixels[240 * 320 * 3];
 *   medplib_session_set_image_pixels(session, pixels, sizeof pixels, 320, 240, 320 * 3, 3, MEDPLIB_PIXEL_U8);
 */
MEDPLIB_API int32_t medplib_session_set_image_pixels(medplib_session* session, const void* pixels,
                                                     size_t byte_size, int32_t width, int32_t height,
                                                     size_t stride, int32_t channels, int32_t pixel_type);

/* ---- Region ---- */

/*
 * A region of the image from text: "point:x,y", "box:x0,y0,x1,y1", "polygon:x,y,x,y,…", "scribble:x,y,x,y,…"
 * or "mask:FILE" (a file as large as the image, ≥ 1 inside). Coordinates are pixels of the image, (0, 0) the
 * centre of the top left one. Whether it fits the image is found when it is used. Errors: INVALID_ARG,
 * OOM_HOST, and for a mask those of medplib_session_set_image. Thread-safe.
 *
 * Example:
 *   medplib_region* box;
 *   if (medplib_region_parse("box:210,90,300,180", &box) == MEDPLIB_OK) medplib_region_free(box);
 */
MEDPLIB_API int32_t medplib_region_parse(const char* text, medplib_region** region);

/*
 * Gives the region back. NULL is fine. One thread per handle.
 *
 * Example:
 *   medplib_region_free(NULL);
 */
MEDPLIB_API void medplib_region_free(medplib_region* region);

/* ---- Asking ---- */

#define MEDPLIB_THRESHOLD_OF_MODEL (-1.0)

typedef struct medplib_ask_options {
  size_t struct_size;
  const medplib_region* const* regions; /* what the question is about; default NULL */
  size_t region_count;                  /* default 0 */
  double temperature;                   /* 0 (default): always the likeliest word */
  double top_p;                         /* above 0, at most 1 (default) */
  double threshold;       /* a pixel is inside above this probability; default MEDPLIB_THRESHOLD_OF_MODEL */
  uint64_t seed;          /* of the dice that a temperature above 0 throws; default 0 */
  int32_t top_k;          /* the likeliest words to choose from; 0 (default): all */
  int32_t max_new_tokens; /* at least 1; default 512 */
} medplib_ask_options;

/*
 * Fills in the defaults; `struct_size` is sizeof *options. Errors: INVALID_ARG. One thread per handle.
 *
 * Example:
 *   medplib_ask_options options;
 *   medplib_ask_options_init(&options, sizeof options);
 *   options.max_new_tokens = 64;
 */
MEDPLIB_API int32_t medplib_ask_options_init(medplib_ask_options* options, size_t struct_size);

/*
 * Answers a question about the image. Earlier questions play no part. `options` may be NULL. Errors:
 * INVALID_ARG (empty, not UTF-8, too long, an option out of range, a region outside the image), STATE (no
 * image), CANCELLED, VERSION, OOM_HOST, OOM_DEVICE. One thread per handle.
 *
 * Example:
 *   medplib_answer* given;
 *   if (medplib_ask(session, "Which modality is this?", NULL, &given) == MEDPLIB_OK) {
 *     printf("%s\n", medplib_answer_text(given));
 *     medplib_answer_free(given);
 *   }
 */
MEDPLIB_API int32_t medplib_ask(medplib_session* session, const char* question,
                                const medplib_ask_options* options, medplib_answer** answer);

/*
 * Draws what the phrase names. An answer without masks says that the model does not see it. Otherwise as
 * medplib_ask.
 *
 * Example:
 *   medplib_answer* drawn;
 *   if (medplib_segment(session, "optic disc", NULL, &drawn) == MEDPLIB_OK) medplib_answer_free(drawn);
 */
MEDPLIB_API int32_t medplib_segment(medplib_session* session, const char* phrase,
                                    const medplib_ask_options* options, medplib_answer** answer);

/* ---- Answer ---- */

/*
 * The answer's words, borrowed from it; NULL only for a NULL answer. Thread-safe.
 *
 * Example:
 *   printf("%s\n", medplib_answer_text(answer));
 */
MEDPLIB_API const char* medplib_answer_text(const medplib_answer* answer);

/*
 * How many masks the answer has, or a negative code. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   if (medplib_answer_mask_count(answer) == 0) printf("not there\n");
 */
MEDPLIB_API int32_t medplib_answer_mask_count(const medplib_answer* answer);

/*
 * The mask with this index, from 0, borrowed from the answer. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   const medplib_mask* first;
 *   if (medplib_answer_mask(answer, 0, &first) != MEDPLIB_OK) fprintf(stderr, "%s\n", medplib_last_error());
 */
MEDPLIB_API int32_t medplib_answer_mask(const medplib_answer* answer, int32_t index,
                                        const medplib_mask** mask);

/*
 * Gives the answer back, and its text and masks with it. NULL is fine. One thread per handle.
 *
 * Example:
 *   medplib_answer_free(answer);
 */
MEDPLIB_API void medplib_answer_free(medplib_answer* answer);

/* ---- Mask ---- */

/*
 * The mask's size, which is the image's. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   int32_t width, height;
 *   medplib_mask_size(mask, &width, &height);
 */
MEDPLIB_API int32_t medplib_mask_size(const medplib_mask* mask, int32_t* width, int32_t* height);

/*
 * Writes the mask, a byte a pixel, 1 inside and 0 outside, in rows that begin `stride` bytes apart, the width
 * at least; bytes between the rows stay as they were. `needed` (which may be NULL) gets the bytes from the
 * first to the last pixel. A NULL buffer with capacity 0 only asks; a buffer that is too small stays
 * untouched. Errors: INVALID_ARG, OOM_HOST. Thread-safe.
 *
 * Example:
 *   int32_t width, height;
 *   size_t needed;
 *   medplib_mask_size(mask, &width, &height);
 *   medplib_mask_pixels(mask, NULL, 0, (size_t)width, &needed);
 *   uint8_t* pixels = malloc(needed);
 *   medplib_mask_pixels(mask, pixels, needed, (size_t)width, NULL);
 *   free(pixels);
 */
MEDPLIB_API int32_t medplib_mask_pixels(const medplib_mask* mask, uint8_t* buffer, size_t capacity,
                                        size_t stride, size_t* needed);

#ifdef __cplusplus
}
#endif

#endif
