#!/usr/bin/env bash
# Compiles the example of every function in the header: examples.sh COMPILER HEADER
set -euo pipefail

source=$(awk '
  BEGIN {
    print "#include \"medplib.h\"\n#include <stdio.h>\n#include <stdlib.h>"
    handles = "medplib_model* model, medplib_image* image, medplib_session* session, medplib_region* region,"
    handles = handles " medplib_answer* answer, medplib_answers* answers, const medplib_mask* mask,"
    handles = handles " medplib_polygons* polygons, medplib_bytes* bytes"
    print "void example(" handles ");\nvoid example(" handles ") {"
    print "(void)model, (void)image, (void)session, (void)region, (void)answer, (void)answers, (void)mask;"
    print "(void)polygons, (void)bytes;"
  }
  /^ \* Example:$/ { printf "{\n"; inside = 1; ++examples; next }
  inside && /^ \*\// { print "}"; inside = 0 }
  inside { sub(/^ \* ?/, ""); print }
  /^MEDPLIB_API/ { ++functions }
  END {
    print "}"
    if (functions == 0 || examples != functions) { print functions " functions, " examples " examples" > "/dev/stderr"; exit 1 }
  }' "$2")
"$1" -x c -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only -I "$(dirname "$2")" - <<<"$source"
