#!/bin/sh
# Asks about an image: ask.sh IMAGE QUESTION
if [ $# -ne 2 ]; then
  echo "usage: ask.sh IMAGE QUESTION" >&2
  exit 2
fi
answer=$(medplib ask "$1" "$2") || exit
printf '%s\n' "$answer"
