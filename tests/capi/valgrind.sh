#!/usr/bin/env bash
# Runs the C examples on the smallest model under valgrind: memory that nobody can reach any more, and use of memory that
# was never written or is no longer ours, fail. Some minutes. valgrind.sh [FOLDER], where ask.c and segment.c are.
set -euo pipefail
cd "$(dirname "$0")/../.."
examples=${1:-capi/examples} library=$PWD/${MEDPLIB_BUILD:-build}/lib
picture=tests/goldens/cases/s01_emits_seg_wide.image.png
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
export MEDPLIB_MODEL=tests/goldens/ckpt/tiny_seg OMP_NUM_THREADS=1

# checked NAME ARGUMENT…: the example ends with 0, and valgrind has nothing to say.
checked() {
  echo "valgrind: $1"
  cc -g -std=c99 -Icapi/include "$examples/$1.c" -o "$work/$1" -L"$library" -lmedplib -Wl,-rpath,"$library"
  valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
    --num-callers=30 --suppressions=tests/capi/valgrind.supp "$work/$1" "${@:2}"
}

checked ask "$picture" "Which modality is this?"
checked segment "$picture" tumour "$work/mask.png"
