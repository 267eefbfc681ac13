"""Prints the answer to a question as it comes: stream.py IMAGE QUESTION"""

import sys

import medplib


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: stream.py IMAGE QUESTION", file=sys.stderr)
        return 2
    image, question = sys.argv[1:]
    try:
        for piece in medplib.load().session(image).stream(question):
            print(piece, end="", flush=True)
    except medplib.MedplibError as error:
        print(f"stream.py: {error}", file=sys.stderr)
        return 1
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
