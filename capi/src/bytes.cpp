#include "handles.h"
#include "medplib.h"

const char* medplib_bytes_data(const medplib_bytes* bytes) {
  return bytes == nullptr ? nullptr : bytes->bytes.c_str();
}

std::size_t medplib_bytes_size(const medplib_bytes* bytes) {
  return bytes == nullptr ? 0 : bytes->bytes.size();
}

void medplib_bytes_free(medplib_bytes* bytes) { delete bytes; }
