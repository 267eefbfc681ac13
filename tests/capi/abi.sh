#!/usr/bin/env bash
# The interface still has all that an earlier version's header had: abi.sh COMPILER HEADER EARLIER_HEADER
# Functions may have been added, and structs may have grown at their end. abidiff compares libraries of empty
# functions, made from the headers; that the real library is what its header says, the compiler sees to.
set -euo pipefail
command -v abidiff >/dev/null || { echo "abidiff is not installed: scripts/setup --test installs it"; exit 77; }
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

library_of() {
  awk '
    /^MEDPLIB_API/ { inside = 1; returns = !/^MEDPLIB_API void medplib_/ }
    inside && /\);$/ { sub(/\);$/, returns ? ") { return 0; }" : ") {}"); inside = 0 }
    { print }' "$2" >"$work/empty.c"
  "$1" -g -shared -fPIC "$work/empty.c" -o "$3"
}

library_of "$1" "$2" "$work/now.so"
library_of "$1" "$3" "$work/earlier.so"
report=$(abidiff --no-added-syms "$work/earlier.so" "$work/now.so") || true
# A struct that grew is reported as one with another size and inserted members. (abidiff's own suppression of
# that hides changes of other members as well.)
if grep -E '[1-9][0-9]* Removed|deletion|offset changed|type of .* changed|type changed|parameter .* (was|of type .* changed)|enumerator' <<<"$report"; then
  echo "$report"
  exit 1
fi
