"""Prints what a phrase names in many images, a line of JSON each: batch.py PHRASE < LIST

LIST names an image a line. A bad one gives a line with an error, and the rest goes on.
"""

import json
import sys

from medplib import batch


def main() -> None:
    (phrase,) = sys.argv[1:]
    images = [line.rstrip("\n") for line in sys.stdin if line.strip()]
    for row in batch.segment(images, phrase):
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
