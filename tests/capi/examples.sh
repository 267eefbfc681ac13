#!/usr/bin/env bash
# Compiles the example of every function in the header: examples.sh COMPILER HEADER
set -euo pipefail

source=$(awk '
  BEGIN {
    print "#include \"medplib.h\"\n#include <stdio.h>\n#include <stdlib.h>"
    print "void example(medplib_model* model, medplib_session* session, medplib_answer* answer, const medplib_mask* mask);"
    print "void example(medplib_model* model, medplib_session* session, medplib_answer* answer, const medplib_mask* mask) {"
    print "(void)model, (void)session, (void)answer, (void)mask;"
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
