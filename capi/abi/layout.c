/* Where each field of the option structs lies, for ever: lines are added here, never changed. */
#include "medplib.h"

#define FIELD(type, field, offset) \
  _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")
#define SIZE(type, size) \
  _Static_assert(sizeof(type) == (size), #type " has another size: append a field here as well")

_Static_assert(sizeof(void*) == 8 && sizeof(size_t) == 8, "the layouts are those of a 64-bit machine");

FIELD(medplib_load_options, struct_size, 0);
FIELD(medplib_load_options, device, 8);
FIELD(medplib_load_options, precision, 16);
FIELD(medplib_load_options, reserved, 20);
SIZE(medplib_load_options, 24);

FIELD(medplib_session_options, struct_size, 0);
FIELD(medplib_session_options, context, 8);
FIELD(medplib_session_options, compat, 16);
FIELD(medplib_session_options, reserved, 20);
SIZE(medplib_session_options, 24);

FIELD(medplib_ask_options, struct_size, 0);
FIELD(medplib_ask_options, regions, 8);
FIELD(medplib_ask_options, region_count, 16);
FIELD(medplib_ask_options, temperature, 24);
FIELD(medplib_ask_options, top_p, 32);
FIELD(medplib_ask_options, threshold, 40);
FIELD(medplib_ask_options, seed, 48);
FIELD(medplib_ask_options, top_k, 56);
FIELD(medplib_ask_options, max_new_tokens, 60);
SIZE(medplib_ask_options, 64);
