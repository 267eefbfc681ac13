#!/bin/sh
# Shows an answer while it is made, on a terminal; Ctrl-C ends it: stream.sh IMAGE QUESTION
if [ $# -ne 2 ]; then
  echo "usage: stream.sh IMAGE QUESTION" >&2
  exit 2
fi
exec medplib ask "$1" "$2"
