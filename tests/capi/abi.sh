#!/usr/bin/env bash
# The interface still has all that an earlier version's header had: abi.sh COMPILER NOW EARLIER_HEADER
# NOW is the library, built with -g, or for a quick look a header. Functions may have been added, and structs may have
# grown at their end. A header stands for a library of empty functions with its types.
set -euo pipefail
command -v abidiff >/dev/null || { echo "abidiff is not installed: scripts/setup --test installs it"; exit 77; }
map=$(dirname "$0")/../../capi/medplib.map # abidiff compares functions of the same symbol version only
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

library_of() {
  awk '
    /^MEDPLIB_API/ { inside = 1; returns = !/^MEDPLIB_API void medplib_/ }
    inside && /\);$/ { sub(/\);$/, returns ? ") { return 0; }" : ") {}"); inside = 0 }
    { print }' "$2" >"$work/empty.c"
  "$1" -g -shared -fPIC "$work/empty.c" -o "$3" -Wl,--version-script="$map"
}

now=$2
case $now in
  *.h) now=$work/now.so && library_of "$1" "$2" "$now" ;;
  *) readelf -S "$now" | grep '\.debug_info' >/dev/null || { echo "$now tells no types: build it with -g"; exit 1; } ;;
esac
library_of "$1" "$3" "$work/earlier.so"
report=$(abidiff --no-added-syms "$work/earlier.so" "$now") && status=0 || status=$?
if ((status & 3)); then # its own failure; 4 and 8 are changes, which are judged below
  echo "abidiff failed with $status: $report"
  exit 1
fi
echo "$report"
# A struct that grew is reported as one with another size and inserted members. (abidiff's own suppression of
# that hides changes of other members as well.)
if grep -E '[1-9][0-9]* Removed|deletion|offset changed|type of .* changed|type changed|parameter .* (was|of type .* changed)|enumerator' <<<"$report"; then
  exit 1
fi
