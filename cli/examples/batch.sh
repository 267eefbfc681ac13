#!/bin/sh
# Asks many questions about one image in one call, a JSON object a line for each answer: batch.sh IMAGE QUESTION...
if [ $# -lt 2 ]; then
  echo "usage: batch.sh IMAGE QUESTION..." >&2
  exit 2
fi

# A text of one line in JSON.
json() {
  printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"
}

image=$1
shift
for question; do
  printf '{"image": %s, "question": %s}\n' "$(json "$image")" "$(json "$question")"
done | medplib ask - --jsonl
