/*
 * Where each field of the structs lies and what each constant is, for ever: lines are added here, never
 * changed, but for the SIZE of a struct that grows.
 */
#include "medplib.h"

#define FIELD(type, field, offset) \
  _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")
/* With the last field: what is appended could hide in padding behind it. */
#define SIZE(type, last, size)                                                                    \
  _Static_assert(sizeof(type) == (size), #type " has another size: append a field here as well"); \
  _Static_assert(offsetof(type, last) + sizeof(((type*)0)->last) == (size) && (size) % 8 == 0,    \
                 #type " ends in padding: append a reserved field as well")
#define VALUE(constant, value) _Static_assert((constant) == (value), #constant " has another value")

_Static_assert(sizeof(void*) == 8 && sizeof(size_t) == 8, "the layouts are those of a 64-bit machine");

FIELD(medplib_load_options, struct_size, 0);
FIELD(medplib_load_options, device, 8);
FIELD(medplib_load_options, on_progress, 16);
FIELD(medplib_load_options, user, 24);
FIELD(medplib_load_options, precision, 32);
FIELD(medplib_load_options, reserved, 36);
SIZE(medplib_load_options, reserved, 40);

FIELD(medplib_image_options, struct_size, 0);
FIELD(medplib_image_options, max_bytes, 8);
FIELD(medplib_image_options, max_pixels, 16);
FIELD(medplib_image_options, sixteen_bit, 24);
FIELD(medplib_image_options, reserved, 28);
SIZE(medplib_image_options, reserved, 32);

FIELD(medplib_session_options, struct_size, 0);
FIELD(medplib_session_options, context, 8);
FIELD(medplib_session_options, on_layer, 16);
FIELD(medplib_session_options, user, 24);
FIELD(medplib_session_options, compat, 32);
FIELD(medplib_session_options, reserved, 36);
SIZE(medplib_session_options, reserved, 40);

FIELD(medplib_session_facts, struct_size, 0);
FIELD(medplib_session_facts, device, 8);
FIELD(medplib_session_facts, context, 16);
FIELD(medplib_session_facts, precision, 24);
FIELD(medplib_session_facts, compat, 28);
FIELD(medplib_session_facts, graphs, 32);
FIELD(medplib_session_facts, reserved, 36);
SIZE(medplib_session_facts, reserved, 40);

FIELD(medplib_ask_options, struct_size, 0);
FIELD(medplib_ask_options, regions, 8);
FIELD(medplib_ask_options, region_count, 16);
FIELD(medplib_ask_options, temperature, 24);
FIELD(medplib_ask_options, top_p, 32);
FIELD(medplib_ask_options, threshold, 40);
FIELD(medplib_ask_options, seed, 48);
FIELD(medplib_ask_options, top_k, 56);
FIELD(medplib_ask_options, max_new_tokens, 60);
FIELD(medplib_ask_options, on_text, 64);
FIELD(medplib_ask_options, user, 72);
SIZE(medplib_ask_options, user, 80);

FIELD(medplib_refine_options, struct_size, 0);
FIELD(medplib_refine_options, mask, 8);
FIELD(medplib_refine_options, box, 16);
FIELD(medplib_refine_options, clicks, 24);
FIELD(medplib_refine_options, inside, 32);
FIELD(medplib_refine_options, click_count, 40);
FIELD(medplib_refine_options, threshold, 48);
SIZE(medplib_refine_options, threshold, 56);

FIELD(medplib_timing, struct_size, 0);
FIELD(medplib_timing, image_encode, 8);
FIELD(medplib_timing, prefill, 16);
FIELD(medplib_timing, decode, 24);
FIELD(medplib_timing, masks, 32);
FIELD(medplib_timing, first_token, 40);
FIELD(medplib_timing, total, 48);
FIELD(medplib_timing, prompt_tokens, 56);
FIELD(medplib_timing, reused_tokens, 60);
FIELD(medplib_timing, generated_tokens, 64);
FIELD(medplib_timing, reserved, 68);
SIZE(medplib_timing, reserved, 72);

VALUE(MEDPLIB_OK, 0);
VALUE(MEDPLIB_E_INVALID_ARG, -1);
VALUE(MEDPLIB_E_NOT_FOUND, -2);
VALUE(MEDPLIB_E_FORMAT, -3);
VALUE(MEDPLIB_E_OOM_HOST, -4);
VALUE(MEDPLIB_E_OOM_DEVICE, -5);
VALUE(MEDPLIB_E_DEVICE, -6);
VALUE(MEDPLIB_E_CANCELLED, -7);
VALUE(MEDPLIB_E_CALLBACK, -8);
VALUE(MEDPLIB_E_VERSION, -9);
VALUE(MEDPLIB_E_STATE, -10);
VALUE(MEDPLIB_E_UNSUPPORTED, -11);
VALUE(MEDPLIB_E_IO, -12);
VALUE(MEDPLIB_E_INTERNAL, -13);

VALUE(MEDPLIB_CONTINUE, 0);
VALUE(MEDPLIB_STOP, 1);
VALUE(MEDPLIB_CANCEL, 2);

VALUE(MEDPLIB_LOG_DEBUG, 0);
VALUE(MEDPLIB_LOG_INFO, 1);
VALUE(MEDPLIB_LOG_WARNING, 2);
VALUE(MEDPLIB_LOG_ERROR, 3);
VALUE(MEDPLIB_LOG_SILENT, 4);

VALUE(MEDPLIB_PRECISION_FLOAT32, 1);
VALUE(MEDPLIB_PRECISION_BFLOAT16, 2);

VALUE(MEDPLIB_SIXTEEN_BIT_WINDOW, 1);
VALUE(MEDPLIB_SIXTEEN_BIT_HIGH_BYTE, 2);

VALUE(MEDPLIB_PIXEL_U8, 1);
VALUE(MEDPLIB_PIXEL_U16, 2);

VALUE(MEDPLIB_COMPAT_NONE, 1);
VALUE(MEDPLIB_COMPAT_REFERENCE, 2);

VALUE(MEDPLIB_FINISH_END_OF_TEXT, 1);
VALUE(MEDPLIB_FINISH_LENGTH, 2);
VALUE(MEDPLIB_FINISH_STOPPED, 3);

VALUE(MEDPLIB_CONTEXT_OF_MODEL, -1);
/* A C compiler need not know those with a point: test_structs.c has them. */
