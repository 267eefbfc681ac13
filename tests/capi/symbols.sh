#!/usr/bin/env bash
# What libmedplib.so exports is what the list says, with its version: symbols.sh LIBRARY LIST
set -euo pipefail
diff "$2" <(nm -D --defined-only "$1" | awk '{ sub(/@@MEDPLIB_1$/, "", $3); print $2, $3 }' | LC_ALL=C sort -k 2)
