"""Prints the answer to a question about an image: ask.py IMAGE QUESTION"""

import sys

import medplib


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: ask.py IMAGE QUESTION", file=sys.stderr)
        return 2
    image, question = sys.argv[1:]
    try:
        print(medplib.load().session(image).ask(question).text)
    except medplib.MedplibError as error:
        print(f"ask.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
