/* Where each field of the structs lies, for ever: lines are added here, never changed. */
#include "medplib.h"

#define FIELD(type, field, offset) \
  _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")
#define SIZE(type, size) \
  _Static_assert(sizeof(type) == (size), #type " has another size: append a field here as well")

_Static_assert(sizeof(void*) == 8 && sizeof(size_t) == 8, "the layouts are those of a 64-bit machine");

FIELD(medplib_load_options, struct_size, 0);
FIELD(medplib_load_options, device, 8);
FIELD(medplib_load_options, on_progress, 16);
FIELD(medplib_load_options, user, 24);
FIELD(medplib_load_options, precision, 32);
FIELD(medplib_load_options, reserved, 36);
SIZE(medplib_load_options, 40);

FIELD(medplib_image_options, struct_size, 0);
FIELD(medplib_image_options, max_bytes, 8);
FIELD(medplib_image_options, max_pixels, 16);
FIELD(medplib_image_options, sixteen_bit, 24);
FIELD(medplib_image_options, reserved, 28);
SIZE(medplib_image_options, 32);

FIELD(medplib_session_options, struct_size, 0);
FIELD(medplib_session_options, context, 8);
FIELD(medplib_session_options, on_layer, 16);
FIELD(medplib_session_options, user, 24);
FIELD(medplib_session_options, compat, 32);
FIELD(medplib_session_options, reserved, 36);
SIZE(medplib_session_options, 40);

FIELD(medplib_session_facts, struct_size, 0);
FIELD(medplib_session_facts, device, 8);
FIELD(medplib_session_facts, context, 16);
FIELD(medplib_session_facts, precision, 24);
FIELD(medplib_session_facts, compat, 28);
SIZE(medplib_session_facts, 32);

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
SIZE(medplib_ask_options, 80);

FIELD(medplib_refine_options, struct_size, 0);
FIELD(medplib_refine_options, mask, 8);
FIELD(medplib_refine_options, box, 16);
FIELD(medplib_refine_options, clicks, 24);
FIELD(medplib_refine_options, inside, 32);
FIELD(medplib_refine_options, click_count, 40);
FIELD(medplib_refine_options, threshold, 48);
SIZE(medplib_refine_options, 56);

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
SIZE(medplib_timing, 72);
