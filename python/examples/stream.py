"""Prints the answer to a question as it comes: stream.py IMAGE QUESTION"""

import sys

import medplib


def main() -> None:
    image, question = sys.argv[1:]
    for piece in medplib.load().session(image).stream(question):
        print(piece, end="", flush=True)
    print()


if __name__ == "__main__":
    main()
