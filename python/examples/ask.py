"""Prints the answer to a question about an image: ask.py IMAGE QUESTION"""

import sys

import medplib


def main() -> None:
    image, question = sys.argv[1:]
    print(medplib.load().session(image).ask(question).text)


if __name__ == "__main__":
    main()
