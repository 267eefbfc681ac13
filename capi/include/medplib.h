/*
 * medplib: questions about medical images, answered in words and in pixels. The C interface.
 *
 * Pattern
 *   1. medplib_model_load         weights, once; shared by any number of sessions and threads
 *   2. medplib_session_create     one a user or a thread
 *   3. medplib_image_read and medplib_session_set_image, as often as the image changes
 *   4. medplib_ask, medplib_segment, medplib_describe, medplib_refine, medplib_chat
 *   5. read the answer, then medplib_answer_free
 *   6. medplib_session_free, medplib_image_free, medplib_model_free, in any order: a session keeps what it
 *      needs alive
 *
 * Errors
 *   A function that can fail returns MEDPLIB_OK (0) or one of the negative MEDPLIB_E_… codes, and then
 *   medplib_last_error() is a sentence that says what was wrong, where, and what to do. A handle is written
 *   to the caller's pointer when all went well, else NULL is. Pointers must not be NULL but where it says
 *   so. Without memory three libraries end the process instead of giving OOM_HOST: sentencepiece, which reads
 *   the tokenizer and cuts text into tokens (the engine looks for enough before each text, but another thread
 *   may take it); the JSON library, when the few bytes with which it forgets what it read of a model's files
 *   are not there; and OpenMP's, when it cannot begin its threads, or when oneDNN finds no memory in them
 *   (medplib_set_threads(1) needs none).
 *
 * Ownership
 *   What a function hands out through a `medplib_x**` is the caller's, until medplib_x_free; freeing NULL
 *   does nothing. `const` pointers handed out are borrowed and live as long as what they were got from. What
 *   the caller passes is copied before the function returns. Text is UTF-8 and ends with a 0 byte. Numbers of
 *   unknown count go to a buffer of the caller: pass NULL and 0 to learn the count through `needed`, which
 *   may be NULL otherwise; a buffer that is too small stays untouched and gives INVALID_ARG. What takes work
 *   to make, such as a PNG file, comes as medplib_bytes.
 *
 * Options
 *   Option structs begin with their size and are filled by their …_options_init; then change what you like.
 *   NULL in place of options stands for the defaults. 0 never means "default". Structs only grow at their
 *   end, and a program compiled with another version of this header keeps working; bytes that it does not
 *   know of must be 0. Structs that are filled in by the library are passed with their size as well.
 *
 * Callbacks
 *   They run on the thread of the call that they belong to, without a lock, and get the `user` that was given
 *   with them. They return MEDPLIB_CONTINUE to go on; anything that is not named there ends the call with
 *   CALLBACK. They must return: no exception and no longjmp may leave them. Calling back into the session
 *   that is answering gives STATE, but for medplib_session_cancel; no handle of the call may be freed in
 *   them.
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

/* ---- Codes, handles, the library ---- */

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

typedef struct medplib_model medplib_model;       /* weights and configuration on a device; immutable */
typedef struct medplib_session medplib_session;   /* the images and the memory of one user */
typedef struct medplib_image medplib_image;       /* pixels and where they came from; immutable */
typedef struct medplib_region medplib_region;     /* a place in the image; immutable */
typedef struct medplib_answer medplib_answer;     /* text and masks; immutable */
typedef struct medplib_answers medplib_answers;   /* the answers to many questions; immutable */
typedef struct medplib_mask medplib_mask;         /* a structure drawn at the image's size; immutable */
typedef struct medplib_polygons medplib_polygons; /* a mask's contours; immutable */
typedef struct medplib_bytes medplib_bytes;       /* a file's content or a text; immutable */

/* What callbacks return. */
enum {
  MEDPLIB_CONTINUE = 0,
  MEDPLIB_STOP = 1,  /* end the answer here and keep it; for callbacks of text */
  MEDPLIB_CANCEL = 2 /* drop everything: the call gives CANCELLED */
};

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
 *   if (medplib_session_set_image(session, image) != MEDPLIB_OK)
 *     fprintf(stderr, "%s\n", medplib_last_error());
 */
MEDPLIB_API const char* medplib_last_error(void);

/*
 * How the library was built: one JSON object. Never NULL; lives as long as the library. Thread-safe.
 *
 * Example:
 *   printf("%s\n", medplib_build_info_json());
 */
MEDPLIB_API const char* medplib_build_info_json(void);

/*
 * The name of a code without its prefix, such as "NOT_FOUND"; "OK" for 0 and "UNKNOWN" for what is none.
 * Never NULL; lives as long as the library. Thread-safe.
 *
 * Example:
 *   printf("%s\n", medplib_error_name(MEDPLIB_E_NOT_FOUND));
 */
MEDPLIB_API const char* medplib_error_name(int32_t code);

/*
 * Sets how many threads of the CPU one operation may use, for the whole process; at the start one a core.
 * Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   medplib_set_threads(2);
 */
MEDPLIB_API int32_t medplib_set_threads(int32_t threads);

/*
 * How many threads of the CPU one operation may use, or a negative code. Thread-safe.
 *
 * Example:
 *   printf("%d threads\n", (int)medplib_threads());
 */
MEDPLIB_API int32_t medplib_threads(void);

/* ---- Log ---- */

enum {
  MEDPLIB_LOG_DEBUG = 0,
  MEDPLIB_LOG_INFO = 1,
  MEDPLIB_LOG_WARNING = 2,
  MEDPLIB_LOG_ERROR = 3,
  MEDPLIB_LOG_SILENT = 4 /* above every message */
};

/* Told a message; it is borrowed for the call. */
typedef void (*medplib_log_callback)(void* user, int32_t level, const char* message);

/*
 * Sends the messages of this level and above to the callback; NULL stands for a line on stderr. At the start:
 * MEDPLIB_LOG_WARNING, stderr. Messages never hold an image, a question or an answer. The callback may be
 * called from several threads at once, and may still be running in another thread when this returns. Errors:
 * INVALID_ARG. Thread-safe.
 *
 * Example:
 *   medplib_set_log(MEDPLIB_LOG_SILENT, NULL, NULL);
 */
MEDPLIB_API int32_t medplib_set_log(int32_t least, medplib_log_callback callback, void* user);

/* ---- Bytes ---- */

/*
 * The bytes, followed by a 0 byte that does not count; borrowed. NULL only for NULL. Thread-safe.
 *
 * Example:
 *   printf("%s\n", medplib_bytes_data(bytes));
 */
MEDPLIB_API const char* medplib_bytes_data(const medplib_bytes* bytes);

/*
 * How many bytes there are; 0 for NULL. Thread-safe.
 *
 * Example:
 *   fwrite(medplib_bytes_data(bytes), 1, medplib_bytes_size(bytes), stdout);
 */
MEDPLIB_API size_t medplib_bytes_size(const medplib_bytes* bytes);

/*
 * Gives the bytes back. NULL is fine. One thread per handle.
 *
 * Example:
 *   medplib_bytes_free(bytes);
 */
MEDPLIB_API void medplib_bytes_free(medplib_bytes* bytes);

/* ---- Model ---- */

enum { MEDPLIB_PRECISION_FLOAT32 = 1, MEDPLIB_PRECISION_BFLOAT16 = 2 };

/* Told the part loaded so far, 0 … 1; MEDPLIB_CONTINUE or MEDPLIB_CANCEL. */
typedef int32_t (*medplib_progress_callback)(void* user, double part);

typedef struct medplib_load_options {
  size_t struct_size;
  const char* device; /* "auto" (default: a GPU if there is one), "cpu", "cuda", "cuda:1" … */
  medplib_progress_callback on_progress; /* default NULL */
  void* user;                            /* of on_progress; default NULL */
  int32_t precision;                     /* MEDPLIB_PRECISION_FLOAT32 (default) … */
  int32_t reserved;                      /* 0 */
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
 * The folder of the model that comes with medplib: $MEDPLIB_MODEL, else the one beside the library.
 * `capacity` and `needed` count the 0 byte at the end. Errors: INVALID_ARG, NOT_FOUND. Thread-safe.
 *
 * Example:
 *   char folder[4096];
 *   if (medplib_embedded_model(folder, sizeof folder, NULL) == MEDPLIB_OK) printf("%s\n", folder);
 */
MEDPLIB_API int32_t medplib_embedded_model(char* buffer, size_t capacity, size_t* needed);

/*
 * What the model folder holds, read without loading it: the JSON object that `medplib info --json` prints.
 * The memory that it names is that of a model of this precision. Errors: INVALID_ARG, NOT_FOUND, IO, FORMAT,
 * UNSUPPORTED, OOM_HOST. Thread-safe.
 *
 * Example:
 *   medplib_bytes* json;
 *   if (medplib_inspect("models/tiny", MEDPLIB_PRECISION_FLOAT32, &json) == MEDPLIB_OK) {
 *     printf("%s\n", medplib_bytes_data(json));
 *     medplib_bytes_free(json);
 *   }
 */
MEDPLIB_API int32_t medplib_inspect(const char* folder, int32_t precision, medplib_bytes** json);

/*
 * Checks a model folder: hashes, names, shapes, types, values, tokenizer. `count` gets the number of problems
 * and `problems` a line of text for each. Errors: INVALID_ARG, NOT_FOUND, OOM_HOST. Thread-safe.
 *
 * Example:
 *   int32_t count;
 *   medplib_bytes* problems;
 *   if (medplib_verify("models/tiny", &count, &problems) == MEDPLIB_OK) {
 *     printf("%d problems\n%s", (int)count, medplib_bytes_data(problems));
 *     medplib_bytes_free(problems);
 *   }
 */
MEDPLIB_API int32_t medplib_verify(const char* folder, int32_t* count, medplib_bytes** problems);

/*
 * Loads the model in `folder`. `options` may be NULL. Errors: INVALID_ARG, NOT_FOUND, IO, FORMAT,
 * UNSUPPORTED, DEVICE, OOM_HOST, OOM_DEVICE, CANCELLED, CALLBACK, VERSION. Thread-safe.
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
 * What the model is: the JSON object that `medplib info --json` prints. Errors: INVALID_ARG, OOM_HOST.
 * Thread-safe.
 *
 * Example:
 *   medplib_bytes* json;
 *   if (medplib_model_info_json(model, &json) == MEDPLIB_OK) medplib_bytes_free(json);
 */
MEDPLIB_API int32_t medplib_model_info_json(const medplib_model* model, medplib_bytes** json);

/*
 * Gives the model back; its sessions go on. NULL is fine. One thread per handle.
 *
 * Example:
 *   medplib_model_free(model);
 */
MEDPLIB_API void medplib_model_free(medplib_model* model);

/* ---- Image ---- */

enum {
  MEDPLIB_SIXTEEN_BIT_WINDOW = 1,   /* the darkest to the brightest value but for outliers become 0 … 255 */
  MEDPLIB_SIXTEEN_BIT_HIGH_BYTE = 2 /* v >> 8, as the published code reads them */
};

typedef struct medplib_image_options {
  size_t struct_size;
  uint64_t max_bytes;  /* largest file that is read; default 512 MiB */
  uint64_t max_pixels; /* most pixels that are decoded; default 178956970 */
  int32_t sixteen_bit; /* how 16 bits become 8; MEDPLIB_SIXTEEN_BIT_WINDOW (default) … */
  int32_t reserved;    /* 0 */
} medplib_image_options;

/*
 * Fills in the defaults; `struct_size` is sizeof *options. Errors: INVALID_ARG. One thread per handle.
 *
 * Example:
 *   medplib_image_options options;
 *   medplib_image_options_init(&options, sizeof options);
 *   options.max_pixels = 4096 * 4096;
 */
MEDPLIB_API int32_t medplib_image_options_init(medplib_image_options* options, size_t struct_size);

/*
 * Reads an image: PNG, JPEG or TIFF, told apart by content. `options` may be NULL. Errors: INVALID_ARG,
 * NOT_FOUND, IO, FORMAT, UNSUPPORTED, OOM_HOST, VERSION. Thread-safe.
 *
 * Example:
 *   medplib_image* retina;
 *   if (medplib_image_read("retina.png", NULL, &retina) != MEDPLIB_OK)
 *     fprintf(stderr, "%s\n", medplib_last_error());
 *   medplib_image_free(retina);
 */
MEDPLIB_API int32_t medplib_image_read(const char* path, const medplib_image_options* options,
                                       medplib_image** image);

/*
 * The same from the bytes of such a file; `name` stands for the file in messages. Errors: INVALID_ARG,
 * FORMAT, UNSUPPORTED, OOM_HOST, VERSION. Thread-safe.
 *
 * Example:
 *   static unsigned char file[65536];
 *   const size_t size = fread(file, 1, sizeof file, stdin);
 *   medplib_image* read;
 *   if (medplib_image_decode(file, size, "stdin", NULL, &read) == MEDPLIB_OK) medplib_image_free(read);
 */
MEDPLIB_API int32_t medplib_image_decode(const void* bytes, size_t byte_size, const char* name,
                                         const medplib_image_options* options, medplib_image** image);

enum {
  MEDPLIB_PIXEL_U8 = 1, /* a byte a channel */
  MEDPLIB_PIXEL_U16 = 2 /* two bytes a channel, in the machine's byte order */
};

/*
 * An image from memory, copied: `height` rows that begin `stride` bytes apart, each of `width` pixels of
 * `channels` values of type `pixel_type`: 1 (grey), 3 (red, green, blue) or 4 (and alpha, which is dropped).
 * `byte_size` is how many bytes may be read from `pixels`. The value `low` is shown as black and `high` as
 * white, what lies beyond is cut: 0 and 255 for bytes, the window for 16-bit values. Errors: INVALID_ARG,
 * OOM_HOST. Thread-safe.
 *
 * Example:
 *   static uint8_t pixels[240 * 320 * 3];
 *   medplib_image* made;
 *   if (medplib_image_from_pixels(pixels, sizeof pixels, 320, 240, 320 * 3, 3, MEDPLIB_PIXEL_U8, 0, 255,
 *                                 &made) == MEDPLIB_OK)
 *     medplib_image_free(made);
 */
MEDPLIB_API int32_t medplib_image_from_pixels(const void* pixels, size_t byte_size, int32_t width,
                                              int32_t height, size_t stride, int32_t channels,
                                              int32_t pixel_type, double low, double high,
                                              medplib_image** image);

/*
 * The image's size in pixels. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   int32_t width, height;
 *   medplib_image_size(image, &width, &height);
 */
MEDPLIB_API int32_t medplib_image_size(const medplib_image* image, int32_t* width, int32_t* height);

/*
 * What the image is: the JSON object that `medplib info --image FILE --json` prints. Errors: INVALID_ARG,
 * OOM_HOST. Thread-safe.
 *
 * Example:
 *   medplib_bytes* json;
 *   if (medplib_image_info_json(image, &json) == MEDPLIB_OK) medplib_bytes_free(json);
 */
MEDPLIB_API int32_t medplib_image_info_json(const medplib_image* image, medplib_bytes** json);

/*
 * Gives the image back; sessions keep what they were given. NULL is fine. One thread per handle.
 *
 * Example:
 *   medplib_image_free(NULL);
 */
MEDPLIB_API void medplib_image_free(medplib_image* image);

/* ---- Session ---- */

enum {
  MEDPLIB_COMPAT_NONE = 1,     /* every <SEG> of the answer gives its mask; none gives no mask */
  MEDPLIB_COMPAT_REFERENCE = 2 /* always one mask, as the published evaluation draws it */
};

#define MEDPLIB_CONTEXT_OF_MODEL (-1)

/*
 * Told the name of each layer before it runs ("clip.3", "hidden.17", "sam.0", "masks"), borrowed for the
 * call: a sign of life. MEDPLIB_CONTINUE or MEDPLIB_CANCEL.
 */
typedef int32_t (*medplib_layer_callback)(void* user, const char* layer);

typedef struct medplib_session_options {
  size_t struct_size;
  int64_t context;                 /* tokens; MEDPLIB_CONTEXT_OF_MODEL (default): the model's, at most 4096 */
  medplib_layer_callback on_layer; /* default NULL */
  void* user;                      /* of on_layer; default NULL */
  int32_t compat;                  /* MEDPLIB_COMPAT_NONE (default) … */
  int32_t reserved;                /* 0 */
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
 * DEVICE, VERSION. Thread-safe.
 *
 * Example:
 *   medplib_session* started;
 *   if (medplib_session_create(model, NULL, &started) == MEDPLIB_OK) medplib_session_free(started);
 */
MEDPLIB_API int32_t medplib_session_create(const medplib_model* model, const medplib_session_options* options,
                                           medplib_session** session);

/* What a session really uses. */
typedef struct medplib_session_facts {
  size_t struct_size;
  const char* device; /* "cpu", "cuda:0"; borrowed from the session */
  int64_t context;    /* tokens */
  int32_t precision;  /* MEDPLIB_PRECISION_… */
  int32_t compat;     /* MEDPLIB_COMPAT_… */
  int32_t graphs;     /* 1 where the device replays what it recorded (CUDA graphs), else 0 */
  int32_t reserved;   /* 0 */
} medplib_session_facts;

/*
 * Says what the session really uses; `struct_size` is sizeof *facts. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   medplib_session_facts facts;
 *   if (medplib_session_info(session, &facts, sizeof facts) == MEDPLIB_OK) printf("on %s\n", facts.device);
 */
MEDPLIB_API int32_t medplib_session_info(const medplib_session* session, medplib_session_facts* facts,
                                         size_t struct_size);

/*
 * Gives the session the image to talk about and ends its chat. It is encoded when first needed. Errors:
 * INVALID_ARG, STATE (in a callback), OOM_HOST. One thread per handle.
 *
 * Example:
 *   medplib_session_set_image(session, image);
 */
MEDPLIB_API int32_t medplib_session_set_image(medplib_session* session, const medplib_image* image);

/*
 * The same with several images, which stand in the prompt in this order; masks and regions are of the first.
 * At least one is needed. Errors: as medplib_session_set_image. One thread per handle.
 *
 * Example:
 *   const medplib_image* both[2] = {image, image};
 *   medplib_session_set_images(session, both, 2);
 */
MEDPLIB_API int32_t medplib_session_set_images(medplib_session* session, const medplib_image* const* images,
                                               size_t count);

/*
 * Stops the call that the session is in: it gives CANCELLED before its next layer, and the session can be
 * used again. Without such a call nothing happens, and for NULL neither. One atomic store: also for a signal
 * handler. Any thread.
 *
 * Example:
 *   medplib_session_cancel(session);
 */
MEDPLIB_API void medplib_session_cancel(medplib_session* session);

/*
 * Forgets what medplib_chat has spoken of. Errors: INVALID_ARG, STATE (in a callback). One thread per handle.
 *
 * Example:
 *   medplib_session_reset_chat(session);
 */
MEDPLIB_API int32_t medplib_session_reset_chat(medplib_session* session);

/*
 * Ends the session; its answers stay. NULL is fine. One thread per handle.
 *
 * Example:
 *   medplib_session_free(session);
 */
MEDPLIB_API void medplib_session_free(medplib_session* session);

/* ---- Region ---- */

/*
 * Coordinates are pixels of the image: x to the right, y down, (0, 0) the centre of the top left one. Whether
 * a region fits the image is found when it is used.
 */

/*
 * A region from text: "point:x,y", "box:x0,y0,x1,y1", "polygon:x,y,x,y,…", "scribble:x,y,x,y,…" or
 * "mask:FILE" (a file as large as the image, ≥ 1 inside; its alpha, where that differs from place to place).
 * Errors: INVALID_ARG, OOM_HOST, and for a mask those of medplib_image_read. Thread-safe.
 *
 * Example:
 *   medplib_region* box;
 *   if (medplib_region_parse("box:210,90,300,180", &box) == MEDPLIB_OK) medplib_region_free(box);
 */
MEDPLIB_API int32_t medplib_region_parse(const char* text, medplib_region** region);

/*
 * A square of half-width 20 pixels around the point, clipped to the image. Errors: INVALID_ARG, OOM_HOST.
 * Thread-safe.
 *
 * Example:
 *   medplib_region* here;
 *   if (medplib_region_point(250, 130, &here) == MEDPLIB_OK) medplib_region_free(here);
 */
MEDPLIB_API int32_t medplib_region_point(double x, double y, medplib_region** region);

/*
 * A box between two corners, in any order; both belong to it. Errors: INVALID_ARG, OOM_HOST. Thread-safe.
 *
 * Example:
 *   medplib_region* box;
 *   if (medplib_region_box(210, 90, 300, 180, &box) == MEDPLIB_OK) medplib_region_free(box);
 */
MEDPLIB_API int32_t medplib_region_box(double x0, double y0, double x1, double y1, medplib_region** region);

/*
 * The inside of a closed polygon of `count` corners, three at least: x and y of each. Errors: INVALID_ARG,
 * OOM_HOST. Thread-safe.
 *
 * Example:
 *   const double xy[] = {10, 10, 90, 20, 50, 80};
 *   medplib_region* triangle;
 *   if (medplib_region_polygon(xy, 3, &triangle) == MEDPLIB_OK) medplib_region_free(triangle);
 */
MEDPLIB_API int32_t medplib_region_polygon(const double* xy, size_t count, medplib_region** region);

#define MEDPLIB_SCRIBBLE_THICKNESS 5.0

/*
 * A line drawn freehand through `count` points, x and y of each, `thickness` pixels wide. Errors:
 * INVALID_ARG, OOM_HOST. Thread-safe.
 *
 * Example:
 *   const double xy[] = {10, 10, 40, 15, 80, 60};
 *   medplib_region* line;
 *   if (medplib_region_scribble(xy, 3, MEDPLIB_SCRIBBLE_THICKNESS, &line) == MEDPLIB_OK)
 *     medplib_region_free(line);
 */
MEDPLIB_API int32_t medplib_region_scribble(const double* xy, size_t count, double thickness,
                                            medplib_region** region);

/*
 * A mask of the image's size, copied: `height` rows of `width` bytes that begin `stride` bytes apart, ≥ 1
 * inside. `byte_size` is how many bytes may be read from `pixels`. Errors: INVALID_ARG, OOM_HOST.
 * Thread-safe.
 *
 * Example:
 *   static uint8_t pixels[240 * 320];
 *   medplib_region* drawn;
 *   if (medplib_region_mask(pixels, sizeof pixels, 320, 240, 320, &drawn) == MEDPLIB_OK)
 *     medplib_region_free(drawn);
 */
MEDPLIB_API int32_t medplib_region_mask(const uint8_t* pixels, size_t byte_size, int32_t width,
                                        int32_t height, size_t stride, medplib_region** region);

/*
 * Gives the region back. NULL is fine. One thread per handle.
 *
 * Example:
 *   medplib_region_free(NULL);
 */
MEDPLIB_API void medplib_region_free(medplib_region* region);

/* ---- Asking ---- */

#define MEDPLIB_THRESHOLD_OF_MODEL (-1.0)

/*
 * Told what is new of the answer: `length` bytes of UTF-8, cut between characters and perhaps none, borrowed
 * for the call; the token that they came from, and its index in the answer, from 0. MEDPLIB_CONTINUE,
 * MEDPLIB_STOP or MEDPLIB_CANCEL.
 */
typedef int32_t (*medplib_text_callback)(void* user, const char* text, size_t length, int64_t token,
                                         int32_t index);

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
  medplib_text_callback on_text; /* default NULL */
  void* user;                    /* of on_text; default NULL */
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
 * image; in a callback), FORMAT (the weights give numbers that are not finite), CANCELLED, CALLBACK, VERSION,
 * OOM_HOST, OOM_DEVICE, DEVICE. One thread per handle.
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
 * Draws what the phrase names. An answer without masks says that the model does not see it. Errors: those of
 * medplib_ask, and UNSUPPORTED (regions, with a model that was not taught to look for a phrase in them). One
 * thread per handle.
 *
 * Example:
 *   medplib_answer* drawn;
 *   if (medplib_segment(session, "optic disc", NULL, &drawn) == MEDPLIB_OK) medplib_answer_free(drawn);
 */
MEDPLIB_API int32_t medplib_segment(medplib_session* session, const char* phrase,
                                    const medplib_ask_options* options, medplib_answer** answer);

/*
 * Says what is in a region; regions of the options stand behind it. Otherwise as medplib_ask. One thread per
 * handle.
 *
 * Example:
 *   medplib_answer* described;
 *   if (medplib_describe(session, region, NULL, &described) == MEDPLIB_OK) medplib_answer_free(described);
 */
MEDPLIB_API int32_t medplib_describe(medplib_session* session, const medplib_region* region,
                                     const medplib_ask_options* options, medplib_answer** answer);

/*
 * Goes on talking: the answer knows the messages before, until medplib_session_reset_chat or another image.
 * Otherwise as medplib_ask. One thread per handle.
 *
 * Example:
 *   medplib_answer* said;
 *   if (medplib_chat(session, "And what lies beside it?", NULL, &said) == MEDPLIB_OK)
 *     medplib_answer_free(said);
 */
MEDPLIB_API int32_t medplib_chat(medplib_session* session, const char* message,
                                 const medplib_ask_options* options, medplib_answer** answer);

typedef struct medplib_refine_options {
  size_t struct_size;
  const medplib_mask* mask;  /* the mask so far; default NULL */
  const medplib_region* box; /* a box around what is meant; default NULL */
  const double* clicks;      /* x and y of each; default NULL */
  const int32_t* inside;     /* of each click: 1 inside the structure, 0 outside; default NULL */
  size_t click_count;        /* default 0 */
  double threshold;          /* as in medplib_ask_options */
} medplib_refine_options;

/*
 * Fills in the defaults; `struct_size` is sizeof *options. Errors: INVALID_ARG. One thread per handle.
 *
 * Example:
 *   medplib_refine_options options;
 *   medplib_refine_options_init(&options, sizeof options);
 *   options.box = region;
 */
MEDPLIB_API int32_t medplib_refine_options_init(medplib_refine_options* options, size_t struct_size);

/*
 * Mends a mask with clicks, or draws one from clicks or a box; one of the two is needed. A mask that the
 * model drew keeps its threshold, unless the options have one. Errors: INVALID_ARG (a place outside the
 * image, a region that is no box, a mask of another size), UNSUPPORTED (the model does not follow clicks well
 * enough), and those of medplib_ask. What an answer's warnings would say goes to the log. One thread per
 * handle.
 *
 * Example:
 *   const double clicks[] = {250, 130, 300, 90};
 *   const int32_t inside[] = {1, 0};
 *   medplib_refine_options options;
 *   medplib_refine_options_init(&options, sizeof options);
 *   options.mask = mask;
 *   options.clicks = clicks;
 *   options.inside = inside;
 *   options.click_count = 2;
 *   medplib_mask* better;
 *   if (medplib_refine(session, &options, &better) == MEDPLIB_OK) medplib_mask_free(better);
 */
MEDPLIB_API int32_t medplib_refine(medplib_session* session, const medplib_refine_options* options,
                                   medplib_mask** mask);

/*
 * Asks `count` questions about the image in one call. `options` may be NULL; else it has a pointer for each
 * question, which may be NULL. Each question has its own status, read by medplib_answers_get; after a cancel
 * all that follow are CANCELLED. Errors of the call: INVALID_ARG, VERSION, STATE, OOM_HOST. One thread per
 * handle.
 *
 * Example:
 *   const char* const questions[] = {"Which modality is this?", "Which organ is this?"};
 *   medplib_answers* given;
 *   if (medplib_ask_many(session, questions, 2, NULL, &given) == MEDPLIB_OK) medplib_answers_free(given);
 */
MEDPLIB_API int32_t medplib_ask_many(medplib_session* session, const char* const* questions, size_t count,
                                     const medplib_ask_options* const* options, medplib_answers** answers);

/*
 * Draws what each of `count` phrases names. Otherwise as medplib_ask_many. One thread per handle.
 *
 * Example:
 *   const char* const phrases[] = {"optic disc", "optic cup"};
 *   medplib_answers* drawn;
 *   if (medplib_segment_many(session, phrases, 2, NULL, &drawn) == MEDPLIB_OK) medplib_answers_free(drawn);
 */
MEDPLIB_API int32_t medplib_segment_many(medplib_session* session, const char* const* phrases, size_t count,
                                         const medplib_ask_options* const* options,
                                         medplib_answers** answers);

/*
 * The answer to the question with this index, from 0, borrowed. Where it failed its code is returned,
 * medplib_last_error says why, and the answer is NULL. Errors: INVALID_ARG (no such question), and those of
 * medplib_ask. Thread-safe.
 *
 * Example:
 *   const medplib_answer* first;
 *   if (medplib_answers_get(answers, 0, &first) != MEDPLIB_OK) fprintf(stderr, "%s\n", medplib_last_error());
 */
MEDPLIB_API int32_t medplib_answers_get(const medplib_answers* answers, size_t index,
                                        const medplib_answer** answer);

/*
 * Gives the answers back, all of them. NULL is fine. One thread per handle.
 *
 * Example:
 *   medplib_answers_free(NULL);
 */
MEDPLIB_API void medplib_answers_free(medplib_answers* answers);

/* ---- Embedding ---- */

/*
 * Writes what the language model reads in place of the image with this index, from 0: `rows` (which may be
 * NULL) tokens of needed / rows values each, one after the other. Errors: INVALID_ARG, STATE, CANCELLED,
 * CALLBACK, OOM_HOST, OOM_DEVICE, DEVICE. What an answer's warnings would say goes to the log. One thread per
 * handle.
 *
 * Example:
 *   size_t needed, rows;
 *   if (medplib_embed_image(session, 0, NULL, 0, &needed, &rows) == MEDPLIB_OK) {
 *     float* values = malloc(needed * sizeof *values);
 *     medplib_embed_image(session, 0, values, needed, NULL, NULL);
 *     free(values);
 *   }
 */
MEDPLIB_API int32_t medplib_embed_image(medplib_session* session, size_t index, float* buffer,
                                        size_t capacity, size_t* needed, size_t* rows);

/*
 * The same of a region of the first image: one row. Errors: as medplib_embed_image. One thread per handle.
 *
 * Example:
 *   size_t needed;
 *   medplib_embed_region(session, region, NULL, 0, &needed);
 */
MEDPLIB_API int32_t medplib_embed_region(medplib_session* session, const medplib_region* region,
                                         float* buffer, size_t capacity, size_t* needed);

/* ---- Answer ---- */

/*
 * The answer's words, borrowed from it; NULL only for a NULL answer. Thread-safe.
 *
 * Example:
 *   printf("%s\n", medplib_answer_text(answer));
 */
MEDPLIB_API const char* medplib_answer_text(const medplib_answer* answer);

/*
 * The prompt as it was sent, borrowed from the answer; NULL only for a NULL answer. Thread-safe.
 *
 * Example:
 *   printf("%s\n", medplib_answer_prompt(answer));
 */
MEDPLIB_API const char* medplib_answer_prompt(const medplib_answer* answer);

/*
 * The ids of the generated tokens, without the end token. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   int64_t tokens[512];
 *   size_t needed;
 *   medplib_answer_tokens(answer, tokens, 512, &needed);
 */
MEDPLIB_API int32_t medplib_answer_tokens(const medplib_answer* answer, int64_t* buffer, size_t capacity,
                                          size_t* needed);

/*
 * How many warnings the answer has, or a negative code. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   for (int32_t i = 0; i < medplib_answer_warning_count(answer); ++i)
 *     fprintf(stderr, "%s\n", medplib_answer_warning(answer, i));
 */
MEDPLIB_API int32_t medplib_answer_warning_count(const medplib_answer* answer);

/*
 * The warning with this index, from 0: a sentence, borrowed from the answer; NULL where there is none.
 * Thread-safe.
 *
 * Example:
 *   const char* first = medplib_answer_warning(answer, 0);
 *   if (first != NULL) fprintf(stderr, "%s\n", first);
 */
MEDPLIB_API const char* medplib_answer_warning(const medplib_answer* answer, int32_t index);

enum {
  MEDPLIB_FINISH_END_OF_TEXT = 1,
  MEDPLIB_FINISH_LENGTH = 2, /* max_new_tokens, or the context was full */
  MEDPLIB_FINISH_STOPPED = 3 /* by the callback */
};

/*
 * Why the answer ended: MEDPLIB_FINISH_…, or a negative code. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   if (medplib_answer_finish(answer) == MEDPLIB_FINISH_LENGTH) printf("…\n");
 */
MEDPLIB_API int32_t medplib_answer_finish(const medplib_answer* answer);

/*
 * How many tokens were chosen with a lead of less than 1e-4 over the next, or a negative code: where rounding
 * may decide. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   if (medplib_answer_near_ties(answer) > 0) printf("another machine may answer otherwise\n");
 */
MEDPLIB_API int32_t medplib_answer_near_ties(const medplib_answer* answer);

#define MEDPLIB_NO_PROBABILITY (-1.0)

/*
 * The probability of a mask where medplib_segment drew none, uncalibrated; else MEDPLIB_NO_PROBABILITY.
 * Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   double presence;
 *   medplib_answer_presence(answer, &presence);
 */
MEDPLIB_API int32_t medplib_answer_presence(const medplib_answer* answer, double* presence);

/* Where the time went, in milliseconds. */
typedef struct medplib_timing {
  size_t struct_size;
  double image_encode; /* 0 when the encoded image was used again */
  double prefill;
  double decode;
  double masks;
  double first_token; /* from the call to the first token */
  double total;
  int32_t prompt_tokens;
  int32_t reused_tokens; /* of the prompt: held from an earlier call */
  int32_t generated_tokens;
  int32_t reserved; /* 0 */
} medplib_timing;

/*
 * Says where the time went; `struct_size` is sizeof *timing. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   medplib_timing timing;
 *   if (medplib_answer_timing(answer, &timing, sizeof timing) == MEDPLIB_OK) printf("%g ms\n", timing.total);
 */
MEDPLIB_API int32_t medplib_answer_timing(const medplib_answer* answer, medplib_timing* timing,
                                          size_t struct_size);

/*
 * How many layers with experts the model has, or a negative code. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   printf("%d layers\n", (int)medplib_answer_routing_layers(answer));
 */
MEDPLIB_API int32_t medplib_answer_routing_layers(const medplib_answer* answer);

/*
 * For each expert of a layer, from 0: how many tokens of prompt and answer took it. Errors: INVALID_ARG.
 * Thread-safe.
 *
 * Example:
 *   int64_t tokens[8];
 *   size_t experts;
 *   medplib_answer_routing(answer, 0, tokens, 8, &experts);
 */
MEDPLIB_API int32_t medplib_answer_routing(const medplib_answer* answer, int32_t layer, int64_t* buffer,
                                           size_t capacity, size_t* needed);

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
 * A mask from a region, on an image of this size: for medplib_refine, or to draw it. Errors: INVALID_ARG (the
 * region lies outside or covers no pixel), OOM_HOST. Thread-safe.
 *
 * Example:
 *   medplib_mask* drawn;
 *   if (medplib_mask_from_region(region, 320, 240, &drawn) == MEDPLIB_OK) medplib_mask_free(drawn);
 */
MEDPLIB_API int32_t medplib_mask_from_region(const medplib_region* region, int32_t width, int32_t height,
                                             medplib_mask** mask);

/*
 * Gives back a mask of medplib_refine or medplib_mask_from_region, not one that an answer lends. NULL is
 * fine. One thread per handle.
 *
 * Example:
 *   medplib_mask_free(NULL);
 */
MEDPLIB_API void medplib_mask_free(medplib_mask* mask);

/*
 * The mask's size, which is the image's. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   int32_t width, height;
 *   medplib_mask_size(mask, &width, &height);
 */
MEDPLIB_API int32_t medplib_mask_size(const medplib_mask* mask, int32_t* width, int32_t* height);

/*
 * The phrase that was asked for, borrowed from the mask; may be empty. NULL only for a NULL mask.
 * Thread-safe.
 *
 * Example:
 *   printf("%s\n", medplib_mask_label(mask));
 */
MEDPLIB_API const char* medplib_mask_label(const medplib_mask* mask);

/*
 * The probability above which a pixel is inside. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   double threshold;
 *   medplib_mask_threshold(mask, &threshold);
 */
MEDPLIB_API int32_t medplib_mask_threshold(const medplib_mask* mask, double* threshold);

/*
 * How many pixels are inside. Errors: INVALID_ARG, OOM_HOST. Thread-safe.
 *
 * Example:
 *   int64_t area;
 *   medplib_mask_area(mask, &area);
 */
MEDPLIB_API int32_t medplib_mask_area(const medplib_mask* mask, int64_t* area);

/*
 * The probability that the structure is there at all, uncalibrated; MEDPLIB_NO_PROBABILITY where the model
 * gave none. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   double presence;
 *   medplib_mask_presence(mask, &presence);
 */
MEDPLIB_API int32_t medplib_mask_presence(const medplib_mask* mask, double* presence);

/*
 * The mask decoder's own estimate of its IoU, uncalibrated; MEDPLIB_NO_PROBABILITY where the model gave none.
 * Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   double iou;
 *   medplib_mask_iou_estimate(mask, &iou);
 */
MEDPLIB_API int32_t medplib_mask_iou_estimate(const medplib_mask* mask, double* iou);

/*
 * Writes the mask, a byte a pixel, 1 inside and 0 outside, in rows that begin `stride` bytes apart, the width
 * at least; bytes between the rows stay as they were. `needed` gets the bytes from the first to the last
 * pixel. Errors: INVALID_ARG, OOM_HOST. Thread-safe.
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

/*
 * Writes the logits, before the sigmoid. As medplib_mask_pixels, but that `capacity`, `stride` and `needed`
 * count floats. Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   int32_t width, height;
 *   size_t needed;
 *   medplib_mask_size(mask, &width, &height);
 *   medplib_mask_logits(mask, NULL, 0, (size_t)width, &needed);
 */
MEDPLIB_API int32_t medplib_mask_logits(const medplib_mask* mask, float* buffer, size_t capacity,
                                        size_t stride, size_t* needed);

/*
 * The embedding of the <SEG> that the mask was drawn from; none, so `needed` 0, for a mask that was not.
 * Errors: INVALID_ARG. Thread-safe.
 *
 * Example:
 *   size_t needed;
 *   medplib_mask_embedding(mask, NULL, 0, &needed);
 */
MEDPLIB_API int32_t medplib_mask_embedding(const medplib_mask* mask, float* buffer, size_t capacity,
                                           size_t* needed);

/*
 * The counts of COCO's compressed run-length encoding: column-major, ASCII; the size stands beside it there
 * as [height, width]. Errors: INVALID_ARG, OOM_HOST. Thread-safe.
 *
 * Example:
 *   medplib_bytes* counts;
 *   if (medplib_mask_rle(mask, &counts) == MEDPLIB_OK) medplib_bytes_free(counts);
 */
MEDPLIB_API int32_t medplib_mask_rle(const medplib_mask* mask, medplib_bytes** counts);

/*
 * A PNG file of the mask's size, 8-bit grey, 0 outside and 255 inside. Errors: INVALID_ARG, OOM_HOST.
 * Thread-safe.
 *
 * Example:
 *   medplib_bytes* png;
 *   if (medplib_mask_png(mask, &png) == MEDPLIB_OK) medplib_bytes_free(png);
 */
MEDPLIB_API int32_t medplib_mask_png(const medplib_mask* mask, medplib_bytes** png);

/*
 * The contours of the mask, in pixels: of each part its outer one, then those of its holes, which turn the
 * other way. Contours of one or two corners are left out. Errors: INVALID_ARG, OOM_HOST. Thread-safe.
 *
 * Example:
 *   medplib_polygons* contours;
 *   if (medplib_mask_polygons(mask, &contours) == MEDPLIB_OK) medplib_polygons_free(contours);
 */
MEDPLIB_API int32_t medplib_mask_polygons(const medplib_mask* mask, medplib_polygons** polygons);

/*
 * How many contours there are; 0 for NULL. Thread-safe.
 *
 * Example:
 *   printf("%d contours\n", (int)medplib_polygons_count(polygons));
 */
MEDPLIB_API size_t medplib_polygons_count(const medplib_polygons* polygons);

/*
 * The corners of the contour with this index, from 0: x and y of each of `count`, borrowed. Errors:
 * INVALID_ARG. Thread-safe.
 *
 * Example:
 *   const int32_t* xy;
 *   size_t count;
 *   if (medplib_polygons_get(polygons, 0, &xy, &count) == MEDPLIB_OK && count > 0)
 *     printf("begins at %d, %d\n", (int)xy[0], (int)xy[1]);
 */
MEDPLIB_API int32_t medplib_polygons_get(const medplib_polygons* polygons, size_t index, const int32_t** xy,
                                         size_t* count);

/*
 * Gives the contours back. NULL is fine. One thread per handle.
 *
 * Example:
 *   medplib_polygons_free(NULL);
 */
MEDPLIB_API void medplib_polygons_free(medplib_polygons* polygons);

/*
 * A PNG file of the image, each mask tinted in its own colour and each region outlined in white. `masks` and
 * `regions` may be NULL where there are none. Errors: INVALID_ARG (of another size, outside the image),
 * OOM_HOST. Thread-safe.
 *
 * Example:
 *   medplib_bytes* png;
 *   if (medplib_overlay_png(image, &mask, 1, NULL, 0, &png) == MEDPLIB_OK) medplib_bytes_free(png);
 */
MEDPLIB_API int32_t medplib_overlay_png(const medplib_image* image, const medplib_mask* const* masks,
                                        size_t mask_count, const medplib_region* const* regions,
                                        size_t region_count, medplib_bytes** png);

#ifdef __cplusplus
}
#endif

#endif
