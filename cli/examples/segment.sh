#!/bin/sh
# Draws what a phrase names and writes its mask as a PNG file: segment.sh IMAGE PHRASE MASK.png
if [ $# -ne 3 ]; then
  echo "usage: segment.sh IMAGE PHRASE MASK.png" >&2
  exit 2
fi
answer=$(medplib segment "$1" "$2" --out-mask "$3") || exit
if ! printf '%s\n' "$answer" | grep ': [0-9][0-9]* pixels, '; then # a line a mask
  echo "segment.sh: the model sees no $2" >&2
  exit 1
fi
